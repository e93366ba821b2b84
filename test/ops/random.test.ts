import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { functional as F, Generator } from '../../src/index.node.js';
import { poolOutput } from '../../src/ops/max_pool2d.js';
import { expectSums, expectWithin } from '../reference/closeness.js';
import * as reference from '../reference/reference.js';

/** Cases a property draws: some dozens in `npm test`; TWILL_TEST_RUNS=2000 for a night. */
const numRuns = Number(process.env.TWILL_TEST_RUNS ?? 60);

const size2d = (low: number, high: number) =>
  fc.tuple(fc.integer({ min: low, max: high }), fc.integer({ min: low, max: high }));

/** Channel counts around every vector width. */
const channels = fc.oneof(
  fc.integer({ min: 1, max: 9 }),
  fc.constantFrom(12, 15, 16, 17, 20, 31, 32, 33, 48),
);

const conv2dShape = fc
  .record({
    N: fc.integer({ min: 1, max: 3 }),
    groups: fc.constantFrom(1, 1, 1, 2, 3),
    ICG: channels,
    OCG: channels,
    image: size2d(1, 15),
    kernel: size2d(1, 5),
    stride: size2d(1, 3),
    padding: size2d(0, 3),
    dilation: fc.constantFrom([1, 1] as const, [1, 1] as const, [2, 1] as const, [2, 3] as const),
    depthwise: fc.integer({ min: 0, max: 5 }).map((draw) => draw === 0),
  })
  .map(
    ({ N, groups, ICG, OCG, image, kernel, stride, padding, dilation, depthwise }): reference.Conv2dShape => {
      const [IH, IW] = image;
      const [KH, KW] = kernel;
      const all = depthwise
        ? { groups: ICG, IC: ICG, OC: ICG }
        : { groups, IC: ICG * groups, OC: OCG * groups };
      return { N, ...all, IH, IW, KH, KW, stride, padding, dilation };
    },
  )
  .filter((shape) => reference.outputSize(shape).every((size) => size >= 1));

function random(generator: Generator, shape: readonly number[]) {
  const length = shape.reduce((a, b) => a * b, 1);
  return { data: Float32Array.from({ length }, () => generator.uniform(-1, 1)), shape };
}

describe('against float64, on shapes drawn at random', () => {
  it('conv2d and its gradients', () => {
    const property = fc.property(conv2dShape, fc.nat(), (s, seed) => {
      const generator = new Generator(seed);
      const [OH, OW] = reference.outputSize(s);
      const x = random(generator, [s.N, s.IC, s.IH, s.IW]);
      const weight = random(generator, [s.OC, s.IC / s.groups, s.KH, s.KW]);
      const bias = random(generator, [s.OC]);
      const gradOutput = random(generator, [s.N, s.OC, OH, OW]);
      const { stride, padding, dilation, groups } = s;
      const options = { stride, padding, dilation, groups };
      const y = F.conv2d(x, weight, bias, options);
      expect(y.shape).toEqual([s.N, s.OC, OH, OW]);
      expectSums(y.data, reference.conv2d(s, x.data, weight.data, bias.data), 'y');
      const ours = F.conv2dBackward(gradOutput, x, weight, options);
      const theirs = reference.conv2dBackward(s, gradOutput.data, x.data, weight.data);
      expectSums(ours.input.data, theirs.input, 'gradient of the input');
      expectSums(ours.weight.data, theirs.weight, 'gradient of the weight');
      expectSums(ours.bias.data, theirs.bias, 'gradient of the bias');
    });
    fc.assert(property, { numRuns });
  });

  it('linear and its gradients', () => {
    const property = fc.property(
      fc.integer({ min: 1, max: 40 }),
      channels,
      channels,
      fc.nat(),
      (N, IN, OUT, seed) => {
        const generator = new Generator(seed);
        const x = random(generator, [N, IN]);
        const weight = random(generator, [OUT, IN]);
        const bias = random(generator, [OUT]);
        const gradOutput = random(generator, [N, OUT]);
        expectSums(
          F.linear(x, weight, bias).data,
          reference.linear(x.data, weight.data, bias.data, OUT),
          'y',
        );
        const ours = F.linearBackward(gradOutput, x, weight);
        const theirs = reference.linearBackward(gradOutput.data, x.data, weight.data, OUT);
        expectSums(ours.input.data, theirs.input, 'gradient of the input');
        expectSums(ours.weight.data, theirs.weight, 'gradient of the weight');
        expectSums(ours.bias.data, theirs.bias, 'gradient of the bias');
      },
    );
    fc.assert(property, { numRuns });
  });

  it('max-pool, exactly, with ties and NaN', () => {
    const shapes = fc
      .record({
        N: fc.integer({ min: 1, max: 3 }),
        C: channels,
        image: size2d(1, 13),
        kernel: size2d(1, 4),
        stride: size2d(1, 3),
        padding: size2d(0, 2),
        dilation: size2d(1, 2),
        ceilMode: fc.boolean(),
      })
      .filter(({ kernel, padding }) => padding.every((pad, axis) => pad <= kernel[axis]! / 2))
      .filter(({ image, ...attributes }) =>
        [0, 1].every((axis) => poolOutput(image[axis]!, attributes, axis as 0 | 1) >= 1),
      );
    const property = fc.property(shapes, fc.nat(), ({ N, C, image, ...options }, seed) => {
      const generator = new Generator(seed);
      const [IH, IW] = image;
      const x = random(generator, [N, C, IH, IW]);
      // Few different values make ties; a NaN here and there has to win.
      x.data.forEach((value, at) => {
        x.data[at] = generator.float() < 0.02 ? Number.NaN : Math.round(value * 4) / 4;
      });
      const [OH, OW] = [poolOutput(IH, options, 0), poolOutput(IW, options, 1)];
      const theirs = reference.maxPool2d({ N, C, IH, IW, OH, OW, ...options }, x.data);
      const { kernel, ...rest } = options;
      const y = F.maxPool2d(x, kernel, rest);
      expect(y.shape).toEqual([N, C, OH, OW]);
      expect(y.data).toEqual(Float32Array.from(theirs.values));
      const gradOutput = random(generator, y.shape);
      gradOutput.data.forEach((value, at) => {
        gradOutput.data[at] = Math.round(value * 64) / 64;
      });
      const grad = F.maxPool2dBackward(gradOutput, x, kernel, rest);
      // Sixty-fourths add up without rounding, in any order.
      expect(grad.data).toEqual(
        Float32Array.from(reference.maxPool2dBackward(theirs.indices, gradOutput.data, x.data.length)),
      );
    });
    fc.assert(property, { numRuns });
  });

  it('ReLU, exactly', () => {
    const x = F.tensor(
      [-1, 0, -3, 2, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e-40],
      [2, 4],
    );
    expect(F.relu(x).data).toEqual(
      Float32Array.of(0, 0, 0, 2, Number.NaN, Number.POSITIVE_INFINITY, 0, 1e-40),
    );
    const g = F.tensor([1, 2, 3, 4, 5, 6, 7, 8], [2, 4]);
    expect(F.reluBackward(g, x).data).toEqual(Float32Array.of(0, 0, 0, 4, 5, 6, 0, 8));
  });

  it('cross-entropy, stable for huge scores', () => {
    const property = fc.property(
      fc.integer({ min: 1, max: 40 }),
      channels,
      fc.constantFrom(1, 30, 1e4),
      fc.nat(),
      (N, C, scale, seed) => {
        const generator = new Generator(seed);
        const scores = random(generator, [N, C]);
        scores.data.forEach((value, at) => {
          scores.data[at] = value * scale;
        });
        const labels = Int32Array.from({ length: N }, () => generator.integer(C));
        const ours = F.crossEntropy(scores, labels);
        const theirs = reference.crossEntropy(scores.data, labels, C);
        expect(Math.abs(ours.loss - theirs.loss)).toBeLessThanOrEqual(1e-6 * (theirs.loss + 1));
        expectWithin(ours.gradInput.data, theirs.gradient, 1e-6 / N, 'gradient');
      },
    );
    fc.assert(property, { numRuns });
  });
});
