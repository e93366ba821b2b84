import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { functional as F, Generator, ShapeError } from '../../src/index.node.js';
import { batchNormReference } from '../reference/batch_norm.js';
import { expectWithin } from '../reference/closeness.js';

const numRuns = Number(process.env.TWILL_TEST_RUNS ?? 40);

describe('batch normalisation against float64, on shapes drawn at random', () => {
  it('gives values, gradients and running statistics', () => {
    const shapes = fc.record({
      N: fc.integer({ min: 2, max: 20 }),
      C: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constantFrom(31, 32, 33, 48, 300)),
      image: fc.option(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })), { nil: [] }),
      offset: fc.constantFrom(0, 0, 50),
      affine: fc.boolean(),
      training: fc.boolean(),
    });
    const property = fc.property(shapes, fc.nat(), ({ N, C, image, offset, affine, training }, seed) => {
      const generator = new Generator(seed);
      const random = (shape: readonly number[], low: number, high: number) => ({
        data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () =>
          generator.uniform(low, high),
        ),
        shape,
      });
      const x = random([N, C, ...image], offset - 1, offset + 1);
      const gy = random(x.shape, -1, 1);
      const mean = random([C], offset - 0.5, offset + 0.5);
      const variance = random([C], 0.5, 2);
      const options = {
        training,
        momentum: 0.25,
        eps: 1e-3,
        ...(affine && { weight: random([C], -2, 2), bias: random([C], -1, 1) }),
      };
      const theirs = batchNormReference(x, gy, mean, variance, options);
      const ours = F.batchNormBackward(gy, x, mean, variance, options);
      const y = F.batchNorm(x, mean, variance, options);
      expect(y.shape).toEqual(x.shape);
      // An inverse deviation multiplies the rounding of the mean: eps * offset * weight / sqrt(var + eps).
      const bound = 1e-5 + offset * 1e-5;
      const largest = (values: ArrayLike<number>) =>
        Array.from(values).reduce((a, b) => Math.max(a, Math.abs(b)), 1);
      const close = (one: ArrayLike<number>, other: Float64Array, what: string) =>
        expectWithin(one, other, bound * largest(other), what);
      close(y.data, theirs.y, 'y');
      close(ours.input.data, theirs.input, 'gradient of the input');
      close(mean.data, theirs.mean, 'running mean');
      close(variance.data, theirs.variance, 'running variance');
      if (!affine) return;
      close(ours.weight!.data, theirs.weight, 'gradient of the weight');
      close(ours.bias!.data, theirs.bias, 'gradient of the bias');
    });
    fc.assert(property, { numRuns });
  });

  it('refuses to learn from one value a channel', () => {
    const [x, one] = [F.tensor([1, 2], [1, 2]), F.tensor([1, 1], [2])];
    expect(() => F.batchNorm(x, one, one, { training: true })).toThrow(
      new ShapeError('[batch_norm] training needs at least 2 images but got 1'),
    );
    expect(F.batchNorm(x, one, one, { eps: 0 }).data).toEqual(Float32Array.of(0, 1));
  });
});
