import { describe, expect, it } from 'vitest';
import {
  BatchNorm2d,
  Conv2d,
  Flatten,
  functional as F,
  Generator,
  MaxPool2d,
  OptionError,
  predict,
  ReLU,
  Sequential,
} from '../../src/index.node.js';
import { random } from '../property/draw.js';
import * as reference from '../reference/reference.js';

/** Root of the mean square of what values are off, beside that of the values. */
function relativeError(ours: Float32Array, theirs: Float64Array): number {
  const squares = (of: (value: number, at: number) => number) =>
    theirs.reduce((sum, value, at) => sum + of(value, at) ** 2, 0);
  return Math.sqrt(squares((value, at) => ours[at]! - value) / squares((value) => value));
}

describe('minimal filtering', () => {
  it.each([
    [16, 16, 28],
    [64, 64, 14],
    [128, 128, 7],
  ])('rounds no more than the sum of all products does: %i -> %i channels, %i pixels', (IC, OC, size) => {
    const generator = new Generator(7);
    const x = random(generator, [2, IC, size, size]);
    const weight = random(generator, [OC, IC, 3, 3]);
    const shape = { N: 2, IC, OC, IH: size, IW: size, KH: 3, KW: 3, groups: 1 };
    const options = { padding: [1, 1], stride: [1, 1], dilation: [1, 1] } as const;
    const { values } = reference.conv2d({ ...shape, ...options }, x.data, weight.data);
    const [filtered, direct] = [true, false].map((winograd) =>
      relativeError(F.conv2d(x, weight, null, { padding: 1, winograd }).data, values),
    );
    expect(filtered).toBeLessThan(1.1 * direct!);
  });

  it('goes with a normalisation, a ReLU and a pool behind it', async () => {
    const layers = (winograd: boolean) => {
      const generator = new Generator(3);
      const conv = new Conv2d(3, 20, 3, { padding: 1, winograd, generator });
      return new Sequential(conv, new BatchNorm2d(20), new ReLU(), new MaxPool2d(2), new Flatten()).eval();
    };
    const images = random(new Generator(4), [5, 3, 9, 10]).data;
    const [filtered, direct] = await Promise.all(
      [true, false].map((winograd) => predict(layers(winograd), { images, shape: [3, 9, 10] })),
    );
    filtered!.logits.forEach((value, at) => expect(value).toBeCloseTo(direct!.logits[at]!, 5));
  });

  it('is refused where it cannot be', () => {
    expect(() => new Conv2d(8, 8, 5, { padding: 2, winograd: true })).toThrow(
      new OptionError(
        '[Conv2d] winograd is for 3x3 kernels with stride 1, dilation 1, one group and padding up to 2, but this one ' +
          'is 5x5 with stride 1x1, dilation 1x1, 1 group and padding 2x2',
      ),
    );
    expect(() => new Conv2d(8, 8, 3, { groups: 8, winograd: true })).toThrow('8 groups and padding 0x0');
    expect(() => new Conv2d(2000, 8, 3, { winograd: true })).toThrow(
      new OptionError('[Conv2d] winograd has room for 1792 channels but there are 2000 and 8'),
    );
    expect(() => new Conv2d(8, 8, 3, { winograd: 1 as unknown as boolean })).toThrow(OptionError);
  });
});
