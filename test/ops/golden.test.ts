import { describe, expect, it } from 'vitest';
import { functional as F, type Size2d } from '../../src/index.node.js';
import type { Tensor } from '../../src/nn/functional.js';
import { batchNorm, type NormAttributes } from '../reference/batch_norm.js';
import { expectWithin } from '../reference/closeness.js';
import {
  type GoldenCase,
  goldenBound,
  goldenFloats,
  goldenInts,
  goldenJson,
  goldenTensor,
} from '../reference/golden.js';

const { cases } = goldenJson<{ cases: GoldenCase[] }>('ops/index.json');

interface PoolAttributes {
  kernel: Size2d;
  stride: Size2d;
  padding: Size2d;
  dilation: Size2d;
  ceil_mode: boolean;
}

interface AvgPoolAttributes extends Pick<PoolAttributes, 'kernel' | 'stride' | 'padding'> {
  count_include_pad: boolean;
}

/** Ops that Twill has; the golden set holds more. */
const RUN: Record<string, (one: GoldenCase) => Record<string, Tensor>> = {
  conv2d(one) {
    const { x, weight, bias, gy } = inputsOf(one);
    const gradients = F.conv2dBackward(gy!, x!, weight!, one.attrs);
    return { y: F.conv2d(x!, weight!, bias, one.attrs), ...named(gradients) };
  },
  max_pool2d({ attrs, ...one }) {
    const { x, gy } = inputsOf(one as GoldenCase);
    const { kernel, stride, padding, dilation, ceil_mode } = attrs as unknown as PoolAttributes;
    const options = { stride, padding, dilation, ceilMode: ceil_mode };
    return { y: F.maxPool2d(x!, kernel, options), g_x: F.maxPool2dBackward(gy!, x!, kernel, options) };
  },
  avg_pool2d({ attrs, ...one }) {
    const { x, gy } = inputsOf(one as GoldenCase);
    const { kernel, stride, padding, count_include_pad } = attrs as unknown as AvgPoolAttributes;
    const options = { stride, padding, countIncludePad: count_include_pad };
    return { y: F.avgPool2d(x!, kernel, options), g_x: F.avgPool2dBackward(gy!, x!, kernel, options) };
  },
  linear(one) {
    const { x, weight, bias, gy } = inputsOf(one);
    return { y: F.linear(x!, weight!, bias), ...named(F.linearBackward(gy!, x!, weight!)) };
  },
  relu(one) {
    const { x, gy } = inputsOf(one);
    return { y: F.relu(x!), g_x: F.reluBackward(gy!, x!) };
  },
  batch_norm2d({ attrs, ...one }) {
    const { x, running_mean, running_var, weight, bias, gy } = inputsOf(one as GoldenCase);
    return batchNorm({ x, running_mean, running_var, weight, bias, gy }, attrs as unknown as NormAttributes);
  },
  cross_entropy({ inputs, attrs }) {
    const labels = goldenInts('ops', inputs.target!);
    const { loss, gradInput } = F.crossEntropy(goldenTensor('ops', inputs.x!), labels, attrs);
    return { y: { data: Float32Array.of(loss), shape: [] }, g_x: gradInput };
  },
};

const EXACT = new Set(['max_pool2d', 'relu']);

function inputsOf({ inputs }: GoldenCase): Record<string, Tensor | undefined> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, entry]) => [name, goldenTensor('ops', entry)]),
  );
}

function named({ input, weight, bias }: { input: Tensor; weight: Tensor; bias: Tensor }) {
  return { g_x: input, g_weight: weight, g_bias: bias };
}

describe("every case of PyTorch's numbers", () => {
  it.each(cases.filter(({ op }) => op in RUN).map((one) => [one.name, one] as const))('%s', (_, one) => {
    const ours = RUN[one.op]!(one);
    for (const [name, entry] of Object.entries(one.outputs)) {
      const theirs = goldenFloats('ops', entry);
      if (entry.shape.length > 0) expect(ours[name]!.shape).toEqual(entry.shape);
      if (EXACT.has(one.op)) expect(ours[name]!.data, name).toEqual(theirs);
      else expectWithin(ours[name]!.data, theirs, goldenBound(entry, theirs), `${one.name} ${name}`);
    }
  });
});
