import fc from 'fast-check';
import { expect, it } from 'vitest';
import { functional as F, Generator } from '../../src/index.node.js';
import { forward } from '../../src/nn/eager.js';
import { conv2d } from '../../src/ops/conv2d.js';
import { expectSums } from '../reference/closeness.js';
import * as reference from '../reference/reference.js';
import { winogradMagnitudes, type WinogradShape } from '../reference/winograd.js';
import { type Conv2dCase, hold, random, winogradCase } from './draw.js';

/** Numbers that are added up for one of the products, and those that are made of an input and of the products. */
const terms = (channels: number) => channels + 12;

/** [OC][IC][3][3] as the convolution that gives the input's gradient has it: [IC][OC], turned round. */
function adjoint(weight: Float32Array, { IC, OC }: Conv2dCase): Float32Array {
  return weight.map((_, at) => {
    const [tap, oc, ic] = [at % 9, Math.floor(at / 9) % OC, Math.floor(at / 9 / OC)];
    return weight[(oc * IC + ic) * 9 + 8 - tap]!;
  });
}

it('conv2d by minimal filtering and its gradients, on shapes drawn at random', () => {
  const property = fc.property(winogradCase, fc.nat(), (s, seed) => {
    const generator = new Generator(seed);
    const x = random(generator, [s.N, s.IC, s.IH, s.IW]);
    const weight = random(generator, [s.OC, s.IC, 3, 3]);
    const bias = s.bias ? random(generator, [s.OC]) : null;
    const options = { padding: s.padding, winograd: true };
    const y = F.conv2d(x, weight, bias, options);
    const [OH, OW] = reference.outputSize(s);
    expect(y.shape).toEqual([s.N, s.OC, OH, OW]);
    const { values } = reference.conv2d(s, x.data, weight.data, bias?.data);
    const magnitudes = winogradMagnitudes(s, x.data, weight.data).map(
      (sum, at) => sum + Math.abs(bias?.data[Math.floor(at / OH / OW) % s.OC] ?? 0),
    );
    expectSums(y.data, { values, magnitudes, terms: terms(s.IC) }, 'y');

    const gradOutput = random(generator, y.shape);
    const gradients = F.conv2dBackward(gradOutput, x, weight, options);
    const theirs = reference.conv2dBackward(s, gradOutput.data, x.data, weight.data);
    const shape: WinogradShape = {
      N: s.N,
      IC: s.OC,
      OC: s.IC,
      IH: OH,
      IW: OW,
      padding: [2 - s.padding[0], 2 - s.padding[1]],
    };
    const bounds = winogradMagnitudes(shape, gradOutput.data, adjoint(weight.data, s));
    const input = { values: theirs.input.values, magnitudes: bounds, terms: terms(s.OC) };
    expectSums(gradients.input.data, input, 'gradient of the input');
    expectSums(gradients.weight.data, theirs.weight, 'gradient of the weight');

    const { stride, padding, dilation, groups, OC } = s;
    const attributes = {
      stride,
      padding,
      dilation,
      groups,
      kernel: [3, 3],
      outChannels: OC,
      winograd: true,
    } as const;
    const cut = forward(conv2d, x, { weight, bias }, { ...attributes, relu: true });
    expect(cut.data).toEqual(y.data.map((value) => (value < 0 ? 0 : value)));
  });
  hold(property);
});
