import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { functional as F, Generator } from '../../src/index.node.js';
import { backward, forward } from '../../src/nn/eager.js';
import { conv2d } from '../../src/ops/conv2d.js';
import { conv2dPool } from '../../src/ops/conv2d_pool.js';
import { expectSums } from '../reference/closeness.js';
import * as reference from '../reference/reference.js';
import { type Conv2dCase, conv2dCase, conv2dPoolCase, hold, random } from './draw.js';

function tensors(s: Conv2dCase, seed: number) {
  const generator = new Generator(seed);
  return {
    generator,
    x: random(generator, [s.N, s.IC, s.IH, s.IW]),
    weight: random(generator, [s.OC, s.IC / s.groups, s.KH, s.KW]),
    bias: s.bias ? random(generator, [s.OC]) : null,
  };
}

function attributes({ stride, padding, dilation, groups, KH, KW, OC, relu }: Conv2dCase) {
  return { stride, padding, dilation, groups, kernel: [KH, KW] as const, outChannels: OC, relu };
}

const rectified = (values: Float32Array) => values.map((value) => (value < 0 ? 0 : value));

/** Gradients against those of the reference for the gradient of the unpooled output before ReLU. */
function expectGradients(
  s: Conv2dCase,
  gradients: { input: F.Tensor; weight: F.Tensor; bias?: F.Tensor | undefined },
  grad: ArrayLike<number>,
  x: F.Tensor,
  weight: F.Tensor,
) {
  const theirs = reference.conv2dBackward(s, grad, x.data, weight.data);
  expectSums(gradients.input.data, theirs.input, 'gradient of the input');
  expectSums(gradients.weight.data, theirs.weight, 'gradient of the weight');
  if (gradients.bias) expectSums(gradients.bias.data, theirs.bias, 'gradient of the bias');
}

describe('against float64, on shapes drawn at random,', () => {
  it('conv2d and its gradients', () => {
    const property = fc.property(conv2dCase, fc.nat(), (s, seed) => {
      const [OH, OW] = reference.outputSize(s);
      const { generator, x, weight, bias } = tensors(s, seed);
      const { stride, padding, dilation, groups } = s;
      const options = { stride, padding, dilation, groups };
      const y = F.conv2d(x, weight, bias, options);
      expect(y.shape).toEqual([s.N, s.OC, OH, OW]);
      expectSums(y.data, reference.conv2d(s, x.data, weight.data, bias?.data), 'y');
      const gradOutput = random(generator, y.shape);
      expectGradients(s, F.conv2dBackward(gradOutput, x, weight, options), gradOutput.data, x, weight);
    });
    hold(property);
  });

  it('conv2d with ReLU folded in', () => {
    const property = fc.property(conv2dCase, fc.nat(), (s, seed) => {
      const { generator, x, weight, bias } = tensors(s, seed);
      const linear = forward(conv2d, x, { weight, bias }, { ...attributes(s), relu: false });
      const y = forward(conv2d, x, { weight, bias }, { ...attributes(s), relu: true });
      expect(y.data).toEqual(rectified(linear.data));
      const gradOutput = random(generator, y.shape);
      const { input, parameters } = backward(
        conv2d,
        gradOutput,
        x,
        { weight, bias },
        { ...attributes(s), relu: true },
      );
      const grad = gradOutput.data.map((value, at) => (linear.data[at]! > 0 ? value : 0));
      expectGradients(s, { input, weight: parameters.weight!, bias: parameters.bias }, grad, x, weight);
    });
    hold(property, 0.5);
  });

  // Which value of a window is the largest may turn on the last bit: the unpooled kernel says it, then all is exact.
  it('conv2d with ReLU and max-pool folded in', () => {
    const property = fc.property(conv2dPoolCase, fc.nat(), ({ pool, ...s }, seed) => {
      const { generator, x, weight, bias } = tensors(s, seed);
      const [OH, OW] = reference.outputSize(s);
      const [PH, PW] = [Math.floor(OH / pool[0]), Math.floor(OW / pool[1])];
      const all = { ...attributes(s), pool };
      const linear = forward(conv2d, x, { weight, bias }, { ...attributes(s), relu: false });
      const theirs = reference.maxPool2d(
        {
          N: s.N,
          C: s.OC,
          IH: OH,
          IW: OW,
          OH: PH,
          OW: PW,
          kernel: pool,
          stride: pool,
          padding: [0, 0],
          dilation: [1, 1],
        },
        linear.data,
      );
      const pooled = Float32Array.from(theirs.values);
      const y = forward(conv2dPool, x, { weight, bias }, all);
      expect(y.shape).toEqual([s.N, s.OC, PH, PW]);
      expect(y.data).toEqual(s.relu ? rectified(pooled) : pooled);
      const gradOutput = random(generator, y.shape);
      const { input, parameters } = backward(conv2dPool, gradOutput, x, { weight, bias }, all);
      const survivors = gradOutput.data.map((value, at) => (s.relu && !(pooled[at]! > 0) ? 0 : value));
      const grad = reference.maxPool2dBackward(theirs.indices, survivors, linear.data.length);
      expectGradients(s, { input, weight: parameters.weight!, bias: parameters.bias }, grad, x, weight);
    });
    hold(property);
  });
});
