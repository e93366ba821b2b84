import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { functional as F, Generator } from '../../src/index.node.js';
import { channels, hold, random, randomSteps } from './draw.js';

/** Any size around a vector's, in two or four dimensions. */
const shapes = fc.oneof(
  fc.tuple(fc.integer({ min: 1, max: 5 }), channels),
  fc.tuple(
    fc.integer({ min: 1, max: 3 }),
    channels,
    fc.integer({ min: 1, max: 7 }),
    fc.integer({ min: 1, max: 7 }),
  ),
);

const SPECIAL = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 1e-40, -1e-40];

/** Random values, of which some are what floats end in. */
function special(generator: Generator, shape: readonly number[]): F.Tensor {
  const x = random(generator, shape);
  x.data.forEach((_, at) => {
    if (generator.integer(8) === 0) x.data[at] = SPECIAL[generator.integer(SPECIAL.length)]!;
  });
  return x;
}

describe('exactly, for NaN, infinities and denormals too,', () => {
  it('ReLU and its gradient, as PyTorch', () => {
    const property = fc.property(shapes, fc.nat(), (shape, seed) => {
      const generator = new Generator(seed);
      const x = special(generator, shape);
      const y = F.relu(x);
      expect(y.shape).toEqual(shape);
      expect(y.data).toEqual(x.data.map((value) => (value < 0 ? 0 : value)));
      const gradOutput = random(generator, shape);
      const gradient = gradOutput.data.map((value, at) => (x.data[at]! <= 0 ? 0 : value));
      expect(F.reluBackward(gradOutput, x).data).toEqual(gradient);
    });
    hold(property);
  });

  it('ReLU6 and its gradient, as PyTorch', () => {
    const property = fc.property(shapes, fc.nat(), (shape, seed) => {
      const generator = new Generator(seed);
      const x = special(generator, shape);
      x.data.forEach((value, at) => (x.data[at] = generator.integer(3) === 0 ? 6 : 4 * value));
      const y = F.relu6(x);
      expect(y.shape).toEqual(shape);
      expect(y.data).toEqual(x.data.map((value) => (value < 0 ? 0 : value > 6 ? 6 : value)));
      const gradOutput = random(generator, shape);
      const gradient = gradOutput.data.map((value, at) => (x.data[at]! <= 0 || x.data[at]! >= 6 ? 0 : value));
      expect(F.relu6Backward(gradOutput, x).data).toEqual(gradient);
    });
    hold(property);
  });

  it('products of two tensors, and with a gate', () => {
    const property = fc.property(shapes, fc.boolean(), fc.nat(), (shape, gated, seed) => {
      const generator = new Generator(seed);
      const other = gated && shape.length === 4 ? [shape[0], shape[1], 1, 1] : shape;
      const [x, y] = [special(generator, shape), special(generator, other)];
      const channel = (at: number) => Math.floor((at * y.data.length) / x.data.length);
      const product = F.mul(x, y);
      expect(product.shape).toEqual(shape);
      expect(product.data).toEqual(x.data.map((value, at) => value * y.data[channel(at)]!));
      const [steps, upstream] = [randomSteps(generator, shape, 8), randomSteps(generator, shape, 8)];
      const [ofX, ofY] = F.mulBackward(upstream, steps, y);
      expect(ofX.data).toEqual(upstream.data.map((value, at) => value * y.data[channel(at)]!));
      const sums = new Float32Array(y.data.length);
      steps.data.forEach((value, at) => (sums[channel(at)]! += value * upstream.data[at]!));
      expect(ofY.data.map((one) => one + 0)).toEqual(sums.map((one) => one + 0));
    });
    hold(property);
  });

  it('sums of two tensors', () => {
    const property = fc.property(shapes, fc.nat(), (shape, seed) => {
      const generator = new Generator(seed);
      const [x, y] = [special(generator, shape), special(generator, shape)];
      const sum = F.add(x, y);
      expect(sum.shape).toEqual(shape);
      expect(sum.data).toEqual(x.data.map((value, at) => value + y.data[at]!));
    });
    hold(property);
  });
});
