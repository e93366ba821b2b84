import fc from 'fast-check';
import { expect, it } from 'vitest';
import { functional as F, Generator } from '../../src/index.node.js';
import * as reference from '../reference/reference.js';
import { hold, poolCase, poolSize, randomSteps } from './draw.js';

it('max-pool and its gradient are exact, with ties, NaN and infinities, on shapes drawn at random', () => {
  const property = fc.property(poolCase, fc.nat(), (s, seed) => {
    const generator = new Generator(seed);
    const { N, C, IH, IW, kernel, ...options } = s;
    const [OH, OW] = poolSize(s);
    // Few different values make ties; a NaN here and there has to win, over infinity too.
    const x = randomSteps(generator, [N, C, IH, IW], 4);
    x.data.forEach((_, at) => {
      const drawn = generator.float();
      if (drawn < 0.02) x.data[at] = Number.NaN;
      else if (drawn < 0.04) x.data[at] = drawn < 0.03 ? Infinity : -Infinity;
    });
    const theirs = reference.maxPool2d({ ...s, OH, OW }, x.data);
    const y = F.maxPool2d(x, kernel, options);
    expect(y.shape).toEqual([N, C, OH, OW]);
    expect(y.data).toEqual(Float32Array.from(theirs.values));
    // Sixty-fourths add up without rounding, in any order.
    const gradOutput = randomSteps(generator, y.shape, 64);
    const grad = F.maxPool2dBackward(gradOutput, x, kernel, options);
    expect(grad.data).toEqual(
      Float32Array.from(reference.maxPool2dBackward(theirs.indices, gradOutput.data, x.data.length)),
    );
  });
  hold(property);
});
