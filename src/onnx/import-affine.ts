import { BatchNorm1d, BatchNorm2d } from '../nn/batch_norm.js';
import { Conv2d } from '../nn/conv2d.js';
import { GroupNorm, InstanceNorm2d, LayerNorm } from '../nn/group_norm.js';
import { Linear } from '../nn/linear.js';
import type { Module } from '../nn/module.js';
import { formatShape, sizeOf } from '../ops/op.js';
import type { Constant } from './constant.js';
import type { ImportedNode } from './import-node.js';
import { NO_DRAWS, toChannelsFirst } from './parameters.js';
import { type Affine, fileShape, type TensorValue } from './value.js';

// Constants that scale or shift channels: normalisations that a file spells out, and the scaling of images. They go into
// the layer before them where nothing else sees what it gives; else they become a convolution of one pixel a channel,
// which does not learn.

const ROWS_FIRST = [Conv2d, Linear, BatchNorm1d, BatchNorm2d, GroupNorm, InstanceNorm2d, LayerNorm];

/** What scales and shifts what a layer gives; undefined where it has no such weights. */
export function affineOf(module: Module): Affine | undefined {
  if (!ROWS_FIRST.some((type) => module instanceof type)) return undefined;
  const { weight, bias } = module as unknown as Partial<Affine>;
  return weight && bias ? { weight, bias } : undefined;
}

/** Constants as Twill's view of a tensor has them: one a channel, or one a value. */
function spread(node: ImportedNode, x: TensorValue, constant: Constant): Float32Array {
  const [C] = x.symbolic.shape as [number];
  if (constant.size === 1) return new Float32Array(C).fill(constant.floats()[0]!);
  const shape = fileShape(x);
  const missing = shape.length + 1 - constant.dims.length;
  const [batch, ...sizes] = [...new Array<number>(Math.max(0, missing)).fill(1), ...constant.dims];
  const channels = x.channelsLast ? shape.length - 1 : 0;
  const fits = missing >= 0 && batch === 1 && x.groups === undefined;
  if (fits && sizes.every((size, at) => size === (at === channels ? C : 1))) {
    const values = node.floats(constant);
    return x.mixed ? toChannelsFirst(values, x.mixed) : values;
  }
  if (fits && !x.channelsLast && !x.mixed && sizes.join() === shape.join()) return node.floats(constant);
  throw node.fail(
    `has a constant of ${constant.dims.join('x')} beside a tensor of N x ${formatShape(shape)}: ` +
      'Twill has an op only for one number, or one a channel',
  );
}

/** Values one a row of the weights; undefined where they are finer than rows. */
function perRow(values: Float32Array, rows: number): Float32Array | undefined {
  const times = rows / values.length;
  return times < 1
    ? undefined
    : Float32Array.from({ length: rows }, (_, row) => values[Math.floor(row / times)]!);
}

/** x * scale or x + shift, one of them, by a constant of the file. */
export function withConstant(
  node: ImportedNode,
  x: TensorValue,
  constant: Constant,
  kind: 'scale' | 'shift',
  turn: (value: number) => number,
): TensorValue {
  const values = spread(node, x, constant).map(turn);
  const rows = x.affine && perRow(values, x.affine.bias.size);
  if (x.affine && rows) {
    change(x.affine, rows, kind);
    return x;
  }
  const [C] = x.symbolic.shape as [number];
  if (values.length !== C) {
    throw node.fail(`has a constant for each of ${sizeOf(x.symbolic)} values, which Twill has no op for`);
  }
  const fill = (value: number) => new Float32Array(C).fill(value);
  return kind === 'scale' ? scaleLayer(node, x, values, fill(0)) : scaleLayer(node, x, fill(1), values);
}

function change({ weight, bias }: Affine, rows: Float32Array, kind: 'scale' | 'shift'): void {
  const each = weight.size / bias.size;
  if (kind === 'scale') weight.write(weight.read().map((value, at) => value * rows[Math.floor(at / each)]!));
  bias.write(bias.read().map((value, row) => (kind === 'scale' ? value * rows[row]! : value + rows[row]!)));
}

/** x * scale + shift with numbers a channel. */
export function scaleLayer(
  node: ImportedNode,
  x: TensorValue,
  scale: Float32Array,
  shift: Float32Array,
): TensorValue {
  const [C] = x.symbolic.shape as [number];
  const make = () => {
    const conv = new Conv2d(C, C, 1, { groups: C, generator: NO_DRAWS });
    conv.weight.write(scale);
    conv.bias!.write(shift);
    return conv.requiresGrad(false);
  };
  if (x.symbolic.shape.length === 3) return node.layer(x, make);
  const image = node.apply(x, [x], ([input]) => input!.reshape([C, 1, 1]));
  const scaled = node.layer(image, make);
  const flat = node.apply(x, [scaled], ([input]) => input!.flatten());
  return { ...flat, affine: scaled.affine };
}
