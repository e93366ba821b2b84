import fc from 'fast-check';
import { expect, it } from 'vitest';
import { functional as F, Generator } from '../../src/index.node.js';
import { expectWithin } from '../reference/closeness.js';
import * as reference from '../reference/reference.js';
import { channels, hold, random } from './draw.js';

it('cross-entropy, its hits and its gradient agree with float64, for huge scores too', () => {
  const property = fc.property(
    fc.integer({ min: 1, max: 40 }),
    channels,
    fc.constantFrom(1, 30, 1e4),
    fc.constantFrom('mean', 'sum'),
    fc.nat(),
    (N, C, scale, reduction, seed) => {
      const generator = new Generator(seed);
      const scores = random(generator, [N, C]);
      scores.data.forEach((value, at) => {
        scores.data[at] = value * scale;
      });
      const labels = Int32Array.from({ length: N }, () => generator.integer(C));
      const ours = F.crossEntropy(scores, labels, { reduction });
      const theirs = reference.crossEntropy(scores.data, labels, C);
      const times = reduction === 'sum' ? N : 1;
      expect(Math.abs(ours.loss - theirs.loss * times)).toBeLessThanOrEqual(1e-6 * (theirs.loss + 1) * times);
      const gradient = theirs.gradient.map((value) => value * times);
      expectWithin(ours.gradInput.data, gradient, (1e-6 / N) * times, 'gradient');
      const best = Array.from(labels, (_, n) => {
        const row = [...scores.data.subarray(n * C, (n + 1) * C)];
        return row.indexOf(Math.max(...row));
      });
      expect(ours.correct).toBe(best.filter((c, n) => c === labels[n]).length);
    },
  );
  hold(property);
});
