import { describe, expect, it } from 'vitest';
import { functional as F, type PadMode, type Padding2d, type Size2d } from '../../src/index.node.js';
import { backward, forward } from '../../src/nn/eager.js';
import type { Tensor } from '../../src/nn/functional.js';
import { reshape } from '../../src/ops/reshape.js';
import { expectWithin } from '../reference/closeness.js';
import { goldenBound, goldenLayers, type LayerCase } from '../reference/golden.js';

const { index, tensors } = goldenLayers('spatial');

type Given = Readonly<Record<string, Tensor>>;

interface Pool {
  kernel: Size2d;
  stride: Size2d;
  padding: Size2d;
  ceil_mode: boolean;
  count_include_pad: boolean;
  divisor_override: number | null;
}

interface Norm {
  groups: number;
  shape: number[];
  eps: number;
}

interface Transposed {
  stride?: Size2d;
  padding?: Size2d;
  output_padding?: Size2d;
  dilation?: Size2d;
  groups?: number;
}

const named = ({ input, weight, bias }: { input: Tensor; weight?: Tensor; bias?: Tensor }) => ({
  g_x: input,
  ...(weight && { g_weight: weight }),
  ...(bias && { g_bias: bias }),
});

/** What a case's op gives, under the names of its outputs. */
const RUN: Record<string, (given: Given, attrs: never) => Record<string, Tensor>> = {
  avg_pool2d({ x, gy }, { kernel, stride, padding, ...rest }: Pool) {
    const options = {
      stride,
      padding,
      ceilMode: rest.ceil_mode,
      countIncludePad: rest.count_include_pad,
      divisorOverride: rest.divisor_override,
    };
    return { y: F.avgPool2d(x!, kernel, options), g_x: F.avgPool2dBackward(gy!, x!, kernel, options) };
  },
  adaptive_avg_pool2d({ x, gy }, { outputSize }: { outputSize: [number | null, number | null] }) {
    return {
      y: F.adaptiveAvgPool2d(x!, outputSize),
      g_x: F.adaptiveAvgPool2dBackward(gy!, x!, outputSize),
    };
  },
  concat({ gy, ...inputs }) {
    const list = Object.values(inputs);
    const gradients = F.concatBackward(gy!, list);
    const names = Object.keys(inputs).map((key, at): [string, Tensor] => [`g_${key}`, gradients[at]!]);
    return { y: F.concat(list), ...Object.fromEntries(names) };
  },
  reshape({ x, gy }, attributes: { shape: number[] }) {
    return {
      y: forward(reshape, x!, {}, attributes),
      g_x: backward(reshape, gy!, x!, {}, attributes).input,
    };
  },
  pad({ x, gy }, { padding, ...options }: { padding: Padding2d; mode: PadMode; value: number }) {
    return { y: F.pad(x!, padding, options), g_x: F.padBackward(gy!, x!, padding, options) };
  },
  group_norm({ x, weight, bias, gy }, { groups, eps }: Norm) {
    const options = { weight, bias, eps };
    return { y: F.groupNorm(x!, groups, options), ...named(F.groupNormBackward(gy!, x!, groups, options)) };
  },
  layer_norm({ x, weight, bias, gy }, { shape, eps }: Norm) {
    const options = { weight, bias, eps };
    return { y: F.layerNorm(x!, shape, options), ...named(F.layerNormBackward(gy!, x!, shape, options)) };
  },
  instance_norm({ x, weight, bias, gy }, { eps }: Norm) {
    const options = { weight, bias, eps };
    return { y: F.instanceNorm(x!, options), ...named(F.instanceNormBackward(gy!, x!, options)) };
  },
  conv_transpose2d({ x, weight, bias, gy }, { output_padding, ...rest }: Transposed) {
    const options = { ...rest, ...(output_padding && { outputPadding: output_padding }) };
    const gradients = F.convTranspose2dBackward(gy!, x!, weight!, options);
    return { y: F.convTranspose2d(x!, weight!, bias, options), ...named(gradients) };
  },
  conv2d({ x, weight, bias, gy }, options: F.Conv2dFunctionOptions) {
    return { y: F.conv2d(x!, weight!, bias, options), ...named(F.conv2dBackward(gy!, x!, weight!, options)) };
  },
};

/** Nothing but copies. */
const EXACT = new Set(['concat', 'reshape']);

describe("every case of PyTorch's numbers for", () => {
  it.each(index.cases.map((one): [string, LayerCase] => [one.name, one]))('%s', (name, one) => {
    const given = Object.fromEntries(one.inputs.map((key) => [key, tensors.get(`${name}/${key}`)!]));
    const ours = RUN[one.op]!(given, one.attrs as never);
    for (const [key, entry] of Object.entries(one.outputs)) {
      const theirs = tensors.get(`${name}/${key}`)!;
      expect(ours[key]!.shape, key).toEqual(theirs.shape);
      const bound = EXACT.has(one.op) ? 0 : goldenBound(entry, theirs.data);
      expectWithin(ours[key]!.data, theirs.data, bound, `${name} ${key}`);
    }
  });
});
