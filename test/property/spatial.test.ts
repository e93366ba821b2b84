import fc from 'fast-check';
import { expect, it } from 'vitest';
import { functional as F, Generator } from '../../src/index.node.js';
import { backward, forward } from '../../src/nn/eager.js';
import { reshape } from '../../src/ops/reshape.js';
import { expectSums, expectWithin } from '../reference/closeness.js';
import * as reference from '../reference/reference.js';
import * as spatial from '../reference/spatial.js';
import { avgPoolCase, batch, channels, conv2dCase, hold, padCase, poolSize, random } from './draw.js';

const largest = (values: ArrayLike<number>) =>
  Array.from(values).reduce((a, b) => Math.max(a, Math.abs(b)), 1);

function close(ours: ArrayLike<number>, theirs: Float64Array, bound: number, what: string) {
  expectWithin(ours, theirs, bound * largest(theirs), what);
}

it('average pools and their gradients, sliding and adaptive', () => {
  const property = fc.property(
    avgPoolCase,
    fc.nat(),
    ({ outputSize, countIncludePad, divisor, ...s }, seed) => {
      const generator = new Generator(seed);
      const { N, C, IH, IW, kernel, stride, padding, ceilMode } = s;
      const image = [IH, IW] as const;
      const output = outputSize ?? poolSize(s);
      const window = outputSize
        ? spatial.adaptive(image, outputSize)
        : spatial.sliding(image, { kernel, stride, padding, countIncludePad });
      const divisorOverride = outputSize ? null : divisor;
      const options = { stride, padding, ceilMode, countIncludePad, divisorOverride };
      const x = random(generator, [N, C, IH, IW]);
      const gy = random(generator, [N, C, ...output]);
      const theirs = spatial.avgPool2d({ N, C, image, output }, window, divisorOverride, x.data, gy.data);
      const y = outputSize ? F.adaptiveAvgPool2d(x, outputSize) : F.avgPool2d(x, kernel, options);
      expect(y.shape).toEqual(gy.shape);
      close(y.data, theirs.y, 2e-6, 'y');
      const input = outputSize
        ? F.adaptiveAvgPool2dBackward(gy, x, outputSize)
        : F.avgPool2dBackward(gy, x, kernel, options);
      close(input.data, theirs.input, 2e-6, 'gradient');
    },
  );
  hold(property);
});

it('padding and its gradient, cropping too', () => {
  const property = fc.property(padCase, fc.nat(), ({ N, C, IH, IW, padding, mode }, seed) => {
    const generator = new Generator(seed);
    const [left, right, top, bottom] = padding;
    const rows = spatial.padSources(IH, [top, bottom], mode);
    const columns = spatial.padSources(IW, [left, right], mode);
    const x = random(generator, [N, C, IH, IW]);
    const gy = random(generator, [N, C, rows.length, columns.length]);
    const input = new Float64Array(x.data.length);
    const y = Float32Array.from(gy.data, (g, at) => {
      const ih = rows[Math.floor(at / columns.length) % rows.length]!;
      const iw = columns[at % columns.length]!;
      if (ih < 0 || iw < 0) return 0.75;
      const from = (Math.floor(at / columns.length / rows.length) * IH + ih) * IW + iw;
      input[from]! += g;
      return x.data[from]!;
    });
    const ours = F.pad(x, padding, { mode, value: 0.75 });
    expect(ours.shape).toEqual(gy.shape);
    expect(ours.data).toEqual(y);
    close(F.padBackward(gy, x, padding, { mode, value: 0.75 }).data, input, 2e-6, 'gradient');
  });
  hold(property);
});

it('concatenation and its gradient, exactly', () => {
  const shapes = fc.record({
    N: batch,
    parts: fc.array(channels, { minLength: 1, maxLength: 4 }),
    image: fc.oneof(
      fc.constant<number[]>([]),
      fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 2, maxLength: 2 }),
    ),
  });
  const property = fc.property(shapes, fc.nat(), ({ N, parts, image }, seed) => {
    const generator = new Generator(seed);
    const xs = parts.map((C) => random(generator, [N, C, ...image]));
    const C = parts.reduce((a, b) => a + b);
    const y = F.concat(xs);
    expect(y.shape).toEqual([N, C, ...image]);
    const sizes = xs.map(({ data }) => data.length / N);
    const rows = Array.from({ length: N }, (_, n) =>
      xs.flatMap(({ data }, i) => [...data.subarray(n * sizes[i]!, (n + 1) * sizes[i]!)]),
    );
    expect(y.data).toEqual(Float32Array.from(rows.flat()));
    // The gradient of a concatenation takes it apart again.
    F.concatBackward(y, xs).forEach((one, i) => {
      expect(one.shape).toEqual(xs[i]!.shape);
      expect(one.data).toEqual(Float32Array.from(xs[i]!.data));
    });
  });
  hold(property);
});

it('reshape keeps PyTorch’s order, and so does its gradient', () => {
  const sizes = fc.array(fc.constantFrom<number>(1, 1, 2, 3, 4, 6), { minLength: 3, maxLength: 3 });
  const shapes = fc.tuple(sizes, fc.nat(5), fc.boolean(), fc.boolean());
  const property = fc.property(batch, shapes, fc.nat(), (N, [image, turn, flatIn, flatOut], seed) => {
    const size = image.reduce((a, b) => a * b);
    const divisors = Array.from({ length: size }, (_, i) => i + 1).filter((one) => size % one === 0);
    const C = divisors[turn % divisors.length]!;
    const shape = flatOut ? [size] : [C, size / C, 1];
    const generator = new Generator(seed);
    const x = random(generator, flatIn ? [N, size] : [N, ...image]);
    const y = forward(reshape, x, {}, { shape });
    expect(y.shape).toEqual([N, ...shape]);
    expect(y.data).toEqual(Float32Array.from(x.data));
    const { input } = backward(reshape, y, x, {}, { shape });
    expect(input.data).toEqual(y.data);
  });
  hold(property);
});

it('normalisations of images by themselves', () => {
  const shapes = fc.record({
    N: fc.constantFrom(1, 2, 3),
    groups: fc.constantFrom<number | 'layer'>(1, 1, 2, 3, 8, 'layer', 'layer'),
    each: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(16, 17, 33)),
    image: fc.oneof(
      fc.constant<number[]>([]),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 2 }),
      fc.constant([17, 18]),
    ),
    offset: fc.constantFrom(0, 0, 50),
    affine: fc.boolean(),
  });
  const property = fc.property(shapes, fc.nat(), ({ N, groups, each, image, offset, affine }, seed) => {
    const generator = new Generator(seed);
    const whole = groups === 'layer';
    const C = whole ? each : groups * each;
    const shape = [C, ...image];
    const size = shape.reduce((a, b) => a * b);
    const area = size / C;
    const x = random(generator, [N, ...shape]);
    x.data.forEach((value, at) => (x.data[at] = value + offset));
    const gy = random(generator, x.shape);
    const parameters = whole ? shape : [C];
    const options = {
      eps: 1e-3,
      ...(affine && { weight: random(generator, parameters), bias: random(generator, parameters) }),
    };
    const theirs = spatial.imageNorm(
      x.data,
      gy.data,
      {
        eps: options.eps,
        group: (at) => Math.floor(at / (whole ? size : each * area)),
        channel: (at) => (whole ? at % size : Math.floor(at / area) % C),
      },
      options.weight?.data,
      options.bias?.data,
    );
    const y = whole ? F.layerNorm(x, shape, options) : F.groupNorm(x, groups, options);
    const ours = whole
      ? F.layerNormBackward(gy, x, shape, options)
      : F.groupNormBackward(gy, x, groups, options);
    // As for batch normalisation; an inverse deviation of up to 1 / sqrt(eps) multiplies the rounding of few values.
    const bound = 1e-5 + offset * 3e-5;
    close(y.data, theirs.y, bound, 'y');
    close(ours.input.data, theirs.input, 10 * bound, 'gradient of the input');
    if (!affine) return;
    close(ours.weight!.data, theirs.weight, bound, 'gradient of the weight');
    close(ours.bias!.data, theirs.bias, bound, 'gradient of the bias');
  });
  hold(property);
});

it('a transposed convolution and its gradients: those of the convolution that it transposes', () => {
  const property = fc.property(conv2dCase, fc.nat(), (s, seed) => {
    const generator = new Generator(seed);
    const { N, IC, IH, IW, OC, KH, KW, stride, padding, dilation, groups } = s;
    const [OH, OW] = reference.outputSize(s);
    const rest = (axis: 0 | 1, input: number, output: number, kernel: number) =>
      input - ((output - 1) * stride[axis] - 2 * padding[axis] + dilation[axis] * (kernel - 1) + 1);
    const outputPadding = [rest(0, IH, OH, KH), rest(1, IW, OW, KW)] as const;
    const options = { stride, padding, dilation, groups, outputPadding };
    const x = random(generator, [N, OC, OH, OW]);
    const weight = random(generator, [OC, IC / groups, KH, KW]);
    const bias = random(generator, [IC]);
    const y = F.convTranspose2d(x, weight, bias, options);
    expect(y.shape).toEqual([N, IC, IH, IW]);
    expectSums(y.data, spatial.convTranspose2d(s, x.data, weight.data, bias.data), 'y');
    const gy = random(generator, y.shape);
    const gradients = F.convTranspose2dBackward(gy, x, weight, options);
    expectSums(gradients.input.data, reference.conv2d(s, gy.data, weight.data), 'gradient of the input');
    const theirs = reference.conv2dBackward(s, x.data, gy.data, weight.data);
    expectSums(gradients.weight.data, theirs.weight, 'gradient of the weight');
    const sums = new Float64Array(IC);
    gy.data.forEach((value, at) => (sums[Math.floor(at / (IH * IW)) % IC]! += value));
    close(gradients.bias.data, sums, 1e-5, 'gradient of the bias');
  });
  hold(property);
});
