import { Conv2d } from '../nn/conv2d.js';
import { ConvTranspose2d } from '../nn/conv_transpose2d.js';
import { ConstantPad2d, ReflectionPad2d, ReplicationPad2d } from '../nn/pad2d.js';
import { pad2d, type Pad2dAttributes } from '../ops/pad2d.js';
import type { Constant } from './constant.js';
import type { ImportedNode } from './import-node.js';
import { wholeNumbers } from './import-sizes.js';
import { NO_DRAWS } from './parameters.js';
import { fileShape, type TensorValue } from './value.js';

export type Pair = readonly [number, number];
export type Pads = readonly [top: number, left: number, bottom: number, right: number];

/** The attributes that convolutions and pools have in common. */
export interface Window {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly dilation: Pair;
  readonly pads: Pads;
}

export function readWindow(
  node: ImportedNode,
  x: TensorValue,
  kernel: readonly number[] | undefined,
): Window {
  const { attributes } = node;
  const pair = (name: string, otherwise: readonly number[]) =>
    (attributes.ints(name, 2) ?? otherwise) as Pair;
  if (!kernel) throw node.fail('lacks its kernel_shape');
  const window = {
    kernel: kernel as Pair,
    stride: pair('strides', [1, 1]),
    dilation: pair('dilations', [1, 1]),
  };
  const given = (attributes.ints('pads', 4) ?? [0, 0, 0, 0]) as Pads;
  if (given.some((pad) => pad < 0)) throw node.fail(`has the pads ${given.join(', ')}`);
  return { ...window, pads: automaticPads(node, x.symbolic.shape, window, given) };
}

/** SAME: so many outputs as the input has strides, what is missing being shared between both ends. */
function automaticPads(
  node: ImportedNode,
  shape: readonly number[],
  { kernel, stride, dilation }: Omit<Window, 'pads'>,
  given: Pads,
): Pads {
  const mode = node.attributes.string('auto_pad', 'NOTSET');
  if (mode === 'NOTSET') return given;
  if (mode === 'VALID') return [0, 0, 0, 0];
  if (mode !== 'SAME_UPPER' && mode !== 'SAME_LOWER') throw node.fail(`has the auto_pad ${mode}`);
  const ends = ([0, 1] as const).map((axis) => {
    const size = shape[1 + axis] ?? 1;
    const reach = reachOf(kernel, dilation, axis);
    const missing = Math.max(0, (Math.ceil(size / stride[axis]) - 1) * stride[axis] + reach - size);
    const less = Math.floor(missing / 2);
    return mode === 'SAME_UPPER' ? [less, missing - less] : [missing - less, less];
  });
  return [ends[0]![0]!, ends[1]![0]!, ends[0]![1]!, ends[1]![1]!];
}

/** The output size along an axis. */
export const windows = (size: number, { kernel, stride, dilation, pads }: Window, axis: 0 | 1): number =>
  Math.floor((size + pads[axis] + pads[2 + axis]! - reachOf(kernel, dilation, axis)) / stride[axis]) + 1;

export const reachOf = (kernel: Pair, dilation: Pair, axis: 0 | 1) => dilation[axis] * (kernel[axis] - 1) + 1;

export const isEven = (pads: Pads) => pads[0] === pads[2] && pads[1] === pads[3];

/** Pixels around images; less than none cuts. */
export function padded(node: ImportedNode, x: TensorValue, pads: Pads, value = 0): TensorValue {
  if (pads.every((pad) => pad === 0)) return x;
  const [top, left, bottom, right] = pads;
  const attributes: Pad2dAttributes = { padding: [left, right, top, bottom], mode: 'constant', value };
  return node.apply(x, [x], ([input]) => input!.graph.apply(pad2d, [input!], {}, attributes));
}

/** What may lie around images with one padding for both ends; what differs is laid around them first. */
function evenly(node: ImportedNode, x: TensorValue, window: Window): { image: TensorValue; padding: Pair } {
  const { pads } = window;
  const [, ...size] = x.symbolic.shape as [number, number, number];
  const padding: Pair = [pads[0], pads[1]];
  const even = { ...window, pads: [...padding, ...padding] as unknown as Pads };
  // Where the last windows do not reach what differs, nothing does.
  const same = ([0, 1] as const).every(
    (axis) => windows(size[axis]!, window, axis) === windows(size[axis]!, even, axis),
  );
  return same ? { image: x, padding } : { image: padded(node, x, pads), padding: [0, 0] };
}

export function readConv(node: ImportedNode): TensorValue {
  const x = node.plain(0);
  const weight = node.constant(1);
  const [OC = 0, ICG = 0, ...kernel] = weight.dims;
  if (weight.dims.length !== 4) throw node.fail(`has a weight of ${weight.dims.length} dimensions and not 4`);
  const asked = node.attributes.ints('kernel_shape', 2);
  if (asked && asked.some((size, axis) => size !== kernel[axis])) {
    throw node.fail(`has a weight of ${weight.dims.join('x')} but a kernel_shape of ${asked.join('x')}`);
  }
  const window = readWindow(node, x, kernel);
  const { stride, dilation } = window;
  const groups = node.attributes.int('group', 1);
  const bias: Constant | undefined = node.optional(2) ?? node.biasThatFollows(OC, [OC, 1, 1]);
  const hasBias = bias !== undefined || node.meetsConstant();
  const { image, padding } = evenly(node, x, window);
  return node.layer(
    image,
    () => {
      const size = kernel as unknown as Pair;
      const options = { stride, dilation, padding, groups, bias: hasBias, generator: NO_DRAWS };
      const conv = new Conv2d(ICG * groups, OC, size, options);
      conv.weight.write(node.floats(weight));
      if (bias) conv.bias!.write(node.floats(bias));
      return conv;
    },
    weight,
  );
}

export function readConvTranspose(node: ImportedNode): TensorValue {
  const x = node.plain(0);
  const weight = node.constant(1);
  const [IC = 0, OCG = 0, ...kernel] = weight.dims;
  if (weight.dims.length !== 4) throw node.fail(`has a weight of ${weight.dims.length} dimensions and not 4`);
  node.attributes.ignore('kernel_shape');
  const outputPadding = (node.attributes.ints('output_padding', 2) ?? [0, 0]) as Pair;
  const { stride, dilation, pads } = readTransposed(node, x, kernel as unknown as Pair, outputPadding);
  const groups = node.attributes.int('group', 1);
  const OC = OCG * groups;
  const bias = node.optional(2) ?? node.biasThatFollows(OC, [OC, 1, 1]);
  const [top, left, bottom, right] = pads;
  const padding: Pair = [Math.min(top, bottom), Math.min(left, right)];
  const [height, width] = padding;
  const options = { stride, dilation, padding, outputPadding, groups };
  const make = () => {
    const size = kernel as unknown as Pair;
    const more = { bias: bias !== undefined, generator: NO_DRAWS };
    const module = new ConvTranspose2d(IC, OC, size, { ...options, ...more });
    module.weight.write(node.floats(weight));
    if (bias) module.bias!.write(node.floats(bias));
    return module;
  };
  const made = node.layer(x, make, weight);
  return padded(node, made, [height - top, width - left, height - bottom, width - right]);
}

/** The window of a transposed convolution, whose pads may be told by the output's size. */
function readTransposed(node: ImportedNode, x: TensorValue, kernel: Pair, outputPadding: Pair): Window {
  const { attributes } = node;
  const pair = (name: string) => (attributes.ints(name, 2) ?? [1, 1]) as Pair;
  const [stride, dilation] = [pair('strides'), pair('dilations')];
  const given = (attributes.ints('pads', 4) ?? [0, 0, 0, 0]) as Pads;
  const mode = attributes.string('auto_pad', 'NOTSET');
  const asked = attributes.list('output_shape')?.slice(-2);
  const window = { kernel, stride, dilation };
  if (!asked && (mode === 'NOTSET' || mode === 'VALID')) {
    return { ...window, pads: mode === 'VALID' ? [0, 0, 0, 0] : given };
  }
  if (!['NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER'].includes(mode))
    throw node.fail(`has the auto_pad ${mode}`);
  const ends = ([0, 1] as const).map((axis) => {
    const size = x.symbolic.shape[1 + axis]!;
    const whole = (size - 1) * stride[axis] + reachOf(kernel, dilation, axis) + outputPadding[axis];
    const total = whole - (asked?.[axis] ?? size * stride[axis]);
    if (!(total >= 0)) throw node.fail(`has to give more rows or columns than its ${whole}`);
    const less = Math.floor(total / 2);
    return mode === 'SAME_UPPER' ? [less, total - less] : [total - less, less];
  });
  return { ...window, pads: [ends[0]![0]!, ends[1]![0]!, ends[0]![1]!, ends[1]![1]!] };
}

/** Of opset 18 on, pads may be told of some axes alone. */
function padsOf(node: ImportedNode, x: TensorValue): readonly number[] {
  const given = (node.attributes.list('pads') ?? node.sizes(1)).map((one) => one ?? Number.NaN);
  const rank = fileShape(x).length + 1;
  const axes = node.input(3)
    ? wholeNumbers(node, 3).map((axis) => (axis < 0 ? axis + rank : axis))
    : undefined;
  if (!axes || given.length !== 2 * axes.length) return given;
  const pads = new Array<number>(2 * rank).fill(0);
  for (const [at, axis] of axes.entries()) {
    pads[axis] = given[at]!;
    pads[rank + axis] = given[axes.length + at]!;
  }
  return pads;
}

export function readPad(node: ImportedNode): TensorValue {
  const x = node.tensor(0);
  const mode = node.attributes.string('mode', 'constant');
  const pads = padsOf(node, x);
  const value = node.attributes.float('value', node.optional(2)?.floats()[0] ?? 0);
  const channels = x.channelsLast ? 3 : 1;
  const others = [0, channels, 4, 4 + channels];
  if (pads.length !== 8 || others.some((at) => pads[at] !== 0)) {
    throw node.fail(`has the pads ${pads.join(', ')}, expected those of height and width alone`);
  }
  const [top, left, bottom, right] = pads.filter((_, at) => !others.includes(at)) as unknown as Pads;
  const sides = [left, right, top, bottom] as const;
  return node.layer(x, () => {
    if (mode === 'reflect') return new ReflectionPad2d(sides);
    if (mode === 'edge') return new ReplicationPad2d(sides);
    if (mode !== 'constant') throw node.fail(`has the mode ${mode}`);
    return new ConstantPad2d(sides, value);
  });
}
