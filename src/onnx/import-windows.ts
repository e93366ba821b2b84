import { AvgPool2d } from '../nn/avg_pool2d.js';
import { Conv2d } from '../nn/conv2d.js';
import { ConvTranspose2d } from '../nn/conv_transpose2d.js';
import { MaxPool2d } from '../nn/max_pool2d.js';
import { ConstantPad2d, ReflectionPad2d, ReplicationPad2d } from '../nn/pad2d.js';
import { poolOutput, type MaxPool2dAttributes } from '../ops/max_pool2d.js';
import type { Constant } from './constant.js';
import type { ImportedNode } from './import-node.js';
import { NO_DRAWS } from './parameters.js';
import type { TensorValue } from './value.js';

type Pair = readonly [number, number];
type Pads = readonly [top: number, left: number, bottom: number, right: number];

/** The attributes that convolutions and pools have in common. */
interface Window {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly dilation: Pair;
  readonly pads: Pads;
}

function readWindow(node: ImportedNode, x: TensorValue, kernel: readonly number[] | undefined): Window {
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
    const reach = dilation[axis] * (kernel[axis] - 1) + 1;
    const missing = Math.max(0, (Math.ceil(size / stride[axis]) - 1) * stride[axis] + reach - size);
    const less = Math.floor(missing / 2);
    return mode === 'SAME_UPPER' ? [less, missing - less] : [missing - less, less];
  });
  return [ends[0]![0]!, ends[1]![0]!, ends[0]![1]!, ends[1]![1]!];
}

const isEven = (pads: Pads) => pads[0] === pads[2] && pads[1] === pads[3];

export function readConv(node: ImportedNode): TensorValue {
  const x = node.plain(0);
  const weight = node.constant(1);
  const [OC = 0, ICG = 0, ...kernel] = weight.dims;
  if (weight.dims.length !== 4) throw node.fail(`has a weight of ${weight.dims.length} dimensions and not 4`);
  const asked = node.attributes.ints('kernel_shape', 2);
  if (asked && asked.some((size, axis) => size !== kernel[axis])) {
    throw node.fail(`has a weight of ${weight.dims.join('x')} but a kernel_shape of ${asked.join('x')}`);
  }
  const { stride, dilation, pads } = readWindow(node, x, kernel);
  const groups = node.attributes.int('group', 1);
  if (!isEven(pads)) throw node.fail(`has pads that differ at both ends, ${pads.join(', ')}`);
  const bias: Constant | undefined = node.optional(2) ?? node.biasThatFollows(OC, [OC, 1, 1]);
  return node.layer(
    x,
    () => {
      const conv = new Conv2d(ICG * groups, OC, kernel as unknown as Pair, {
        stride,
        dilation,
        padding: [pads[0], pads[1]],
        groups,
        bias: bias !== undefined,
        generator: NO_DRAWS,
      });
      conv.weight.write(node.floats(weight));
      if (bias) conv.bias!.write(node.floats(bias));
      return conv;
    },
    weight,
  );
}

export function readMaxPool(node: ImportedNode): TensorValue {
  const x = node.plain(0);
  const { kernel, stride, dilation, pads } = readWindow(node, x, node.attributes.ints('kernel_shape', 2));
  const ceil = node.attributes.int('ceil_mode', 0) === 1;
  node.attributes.ignore('storage_order');
  const padding: Pair = [pads[0], pads[1]];
  const options = { stride, dilation, padding };
  const ceilMode = ceil || roundsUp(x.symbolic.shape, { kernel, ...options, ceilMode: true }, pads);
  if (!ceilMode && !isEven(pads)) throw node.fail(`has pads that differ at both ends, ${pads.join(', ')}`);
  return node.layer(x, () => new MaxPool2d(kernel, { ...options, ceilMode }));
}

/** Whether larger pads at the end only make room for the last windows of PyTorch's ceil mode. */
function roundsUp(shape: readonly number[], attributes: MaxPool2dAttributes, pads: Pads): boolean {
  if (isEven(pads)) return false;
  const { kernel, stride, dilation } = attributes;
  return ([0, 1] as const).every((axis) => {
    const reach = dilation[axis] * (kernel[axis] - 1) + 1;
    const padded = shape[1 + axis]! + pads[axis] + pads[2 + axis]!;
    return Math.floor((padded - reach) / stride[axis]) + 1 === poolOutput(shape[1 + axis]!, attributes, axis);
  });
}

export function readAveragePool(node: ImportedNode): TensorValue {
  const x = node.plain(0);
  const { kernel, stride, dilation, pads } = readWindow(node, x, node.attributes.ints('kernel_shape', 2));
  const countIncludePad = node.attributes.int('count_include_pad', 0) === 1;
  const ceil = node.attributes.int('ceil_mode', 0) === 1;
  if (dilation.some((one) => one !== 1)) throw node.fail(`has the dilations ${dilation.join(', ')}`);
  const options = { stride, padding: [pads[0], pads[1]] as Pair };
  // Where nothing around the image counts, larger pads at the end are nothing but room for the last windows.
  const windows = { kernel, ...options, dilation, ceilMode: true };
  const more = !countIncludePad && roundsUp(x.symbolic.shape, windows, pads);
  if (!isEven(pads) && !more) throw node.fail(`has pads that differ at both ends, ${pads.join(', ')}`);
  return node.layer(x, () => new AvgPool2d(kernel, { ...options, countIncludePad, ceilMode: ceil || more }));
}

export function readConvTranspose(node: ImportedNode): TensorValue {
  const x = node.plain(0);
  const weight = node.constant(1);
  const [IC = 0, OCG = 0, ...kernel] = weight.dims;
  if (weight.dims.length !== 4) throw node.fail(`has a weight of ${weight.dims.length} dimensions and not 4`);
  if (node.attributes.list('output_shape'))
    throw node.fail('has an output_shape, for which Twill has no option');
  if (node.attributes.string('auto_pad', 'NOTSET') !== 'NOTSET') throw node.fail('has an auto_pad');
  node.attributes.ignore('kernel_shape');
  const { stride, dilation, pads } = readWindow(node, x, kernel);
  const outputPadding = (node.attributes.ints('output_padding', 2) ?? [0, 0]) as Pair;
  const groups = node.attributes.int('group', 1);
  if (!isEven(pads)) throw node.fail(`has pads that differ at both ends, ${pads.join(', ')}`);
  const OC = OCG * groups;
  const bias = node.optional(2) ?? node.biasThatFollows(OC, [OC, 1, 1]);
  const options = { stride, dilation, padding: [pads[0], pads[1]] as Pair, outputPadding, groups };
  const make = () => {
    const size = kernel as unknown as Pair;
    const more = { bias: bias !== undefined, generator: NO_DRAWS };
    const module = new ConvTranspose2d(IC, OC, size, { ...options, ...more });
    module.weight.write(node.floats(weight));
    if (bias) module.bias!.write(node.floats(bias));
    return module;
  };
  return node.layer(x, make, weight);
}

export function readPad(node: ImportedNode): TensorValue {
  const x = node.plain(0);
  const mode = node.attributes.string('mode', 'constant');
  const pads = node.attributes.list('pads') ?? node.sizes(1);
  const value = node.attributes.float('value', node.optional(2)?.floats()[0] ?? 0);
  if (node.input(3)) throw node.fail('names the axes that it pads');
  const known = pads.map((one) => one ?? Number.NaN);
  const [batch, channels, top, left, lastBatch, lastChannels, bottom, right] = known;
  if (pads.length !== 8 || [batch, channels, lastBatch, lastChannels].some((one) => one !== 0)) {
    throw node.fail(`has the pads ${pads.join(', ')}, expected those of height and width alone`);
  }
  const sides = [left!, right!, top!, bottom!] as const;
  return node.layer(x, () => {
    if (mode === 'reflect') return new ReflectionPad2d(sides);
    if (mode === 'edge') return new ReplicationPad2d(sides);
    if (mode !== 'constant') throw node.fail(`has the mode ${mode}`);
    return new ConstantPad2d(sides, value);
  });
}
