import { flatten } from '../ops/flatten.js';
import { formatShape, sizeOf } from '../ops/op.js';
import { castBytes } from './import-functions.js';
import type { ImportedNode } from './import-node.js';
import { asPixel } from './import-pixel.js';
import { DataType } from './proto.js';
import { fileShape, type TensorValue, type Value } from './value.js';

// Nodes that move values and compute nothing. Twill's own view of a tensor does not change by them, but for a flatten:
// the value only notes how it lies in the file.

/** Whether (C, H, W) and (H, W, C) are one order. */
const isOneOrder = ([C, H, W]: readonly number[]) => C === 1 || H! * W! === 1;

export function readTranspose(node: ImportedNode): TensorValue {
  const x = node.tensor(0);
  const rank = x.symbolic.shape.length + 1;
  const perm = String(node.attributes.ints('perm', rank) ?? 'reversed');
  if (perm === '0,1,2,3' || perm === '0,1') return x;
  if (perm === '0,3,1,2') {
    const last = asPixel(node, x);
    if (last.channelsLast) return { ...last, channelsLast: false };
  }
  if (perm === '0,2,3,1' && rank === 4 && !x.channelsLast) return { ...x, channelsLast: true };
  throw node.fail(`turns axes around (${perm}), other than between N x H x W x C and N x C x H x W`);
}

export function readFlatten(node: ImportedNode): TensorValue {
  const x = node.tensor(0);
  const axis = node.attributes.int('axis', 1);
  if (axis !== 1 && axis !== -x.symbolic.shape.length)
    throw node.fail(`flattens from axis ${axis}, not from 1`);
  return flattened(node, x);
}

export function flattened(node: ImportedNode, x: TensorValue): TensorValue {
  const { shape } = x.symbolic;
  if (shape.length === 1) return x;
  const mixed = x.channelsLast && !isOneOrder(shape) ? (shape as [number, number, number]) : undefined;
  return node.apply({ ...x, channelsLast: false, mixed }, [x], ([input]) =>
    input!.graph.apply(flatten, [input!], {}, {}),
  );
}

export function readReshape(node: ImportedNode): TensorValue {
  const x = node.image(0);
  const zeroCopies = node.attributes.int('allowzero', 0) === 0;
  const asked = node.attributes.list('shape') ?? node.sizes(1);
  const from = fileShape(x);
  const to = asked.slice(1).map((size, at) => (size === 0 && zeroCopies ? from[at] : size));
  const described = asked.map((size) => size ?? 'N').join(', ');
  const values = sizeOf({ shape: from });
  const known = to.reduce<number>((product, size) => product * (size === -1 ? 1 : (size ?? Number.NaN)), 1);
  const open = to.filter((size) => size === -1).length;
  const rest = to.map((size) => (size === -1 ? values / known : size!));
  const keepsBatch = asked[0] === undefined || asked[0] === node.graph.batch || [0, -1].includes(asked[0]);
  const inferred = open + (asked[0] === -1 ? 1 : 0);
  if (!keepsBatch || inferred > 1 || !(sizeOf({ shape: rest }) === values)) {
    throw node.fail(`makes (${described}) of N x ${formatShape(from)}, which changes the number of images`);
  }
  if (x.groups !== undefined) return ungrouped(node, x, rest);
  if (rest.length === 1) return flattened(node, x);
  if (rest.length === 2 && isGrouped(x, rest[0]!)) return { ...x, groups: rest[0]! };
  if (formatShape(rest) === formatShape(from)) return x;
  const relabelled = relabel(x, rest);
  if (relabelled) return relabelled;
  if (x.channelsLast || x.mixed) {
    throw node.fail(`makes (${described}) of images whose channels are last, N x ${formatShape(from)}`);
  }
  return node.apply(x, [x], ([input]) => input!.reshape(rest));
}

/** Whether so many groups hold whole channels of images as PyTorch has them. */
function isGrouped({ symbolic: { shape }, channelsLast, mixed }: TensorValue, groups: number): boolean {
  return shape.length === 3 && !channelsLast && !mixed && shape[0]! % groups === 0;
}

function ungrouped(node: ImportedNode, x: TensorValue, rest: readonly number[]): TensorValue {
  const { shape } = x.symbolic;
  if (formatShape(rest) === formatShape(shape)) return { ...x, groups: undefined };
  throw node.fail(`makes ${formatShape(rest)} of grouped channels of images of ${formatShape(shape)}`);
}

/** A reshape that is a change between channels first and last: where there is one channel, or one pixel. */
function relabel(x: TensorValue, rest: readonly number[]): TensorValue | undefined {
  const { shape } = x.symbolic;
  if (shape.length !== 3 || !isOneOrder(shape)) return undefined;
  const other = { ...x, channelsLast: !x.channelsLast };
  return formatShape(fileShape(other)) === formatShape(rest) ? other : undefined;
}

export function readCast(node: ImportedNode): Value {
  const to = node.attributes.int('to', 0);
  node.attributes.ignore('saturate');
  const value = node.input(0);
  if (value?.kind !== 'tensor' && value?.kind !== 'function') throw node.fail('lacks its input');
  if (to !== DataType.float)
    throw node.fail(`makes values of the data type ${to}: Twill computes with float32`);
  return value.kind === 'tensor' && value.unscaled ? castBytes(node, value) : value;
}
