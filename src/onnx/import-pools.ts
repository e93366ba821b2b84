import { AdaptiveAvgPool2d, AvgPool2d } from '../nn/avg_pool2d.js';
import { MaxPool2d } from '../nn/max_pool2d.js';
import type { Module } from '../nn/module.js';
import { poolOutput } from '../ops/max_pool2d.js';
import { formatShape } from '../ops/op.js';
import { axesOf } from './import-constants.js';
import { flattened } from './import-layout.js';
import { meanOf } from './import-moments.js';
import type { ImportedNode } from './import-node.js';
import { isEven, type Pads, padded, type Pair, readWindow, type Window, windows } from './import-windows.js';
import { shares } from './parameters.js';
import { fileShape, type TensorValue, type Value } from './value.js';

/** How one of Twill's pools, the same padding at both ends, has a file's windows among its own. */
interface Fit {
  readonly padding: Pair;
  readonly ceilMode: boolean;
  /** Windows of its own that are left away, as pads. */
  readonly cut: Pads;
}

/** Looks for a padding of which a file's windows are a part; nothing outside the image may count. */
function fit(x: TensorValue, window: Window, ceilMode: boolean): Fit | undefined {
  const { kernel, pads } = window;
  const padding: Pair = [pads[0], pads[1]];
  if (isEven(pads) && padding.every((pad, axis) => pad <= kernel[axis]! / 2)) {
    return { padding, ceilMode, cut: [0, 0, 0, 0] };
  }
  if (ceilMode) return undefined;
  for (const rounding of [false, true]) {
    const [rows, columns] = ([0, 1] as const).map((axis) => fitAxis(x, window, axis, rounding));
    if (!rows || !columns) continue;
    const cut = [-rows.before, -columns.before, -rows.after, -columns.after] as const;
    return { padding: [rows.pad, columns.pad], ceilMode: rounding, cut };
  }
  return undefined;
}

function fitAxis(x: TensorValue, window: Window, axis: 0 | 1, ceilMode: boolean) {
  const { kernel, stride, pads } = window;
  const size = x.symbolic.shape[1 + axis]!;
  const wanted = windows(size, window, axis);
  for (let pad = pads[axis], before = 0; pad <= kernel[axis] / 2; pad += stride[axis], before++) {
    const after = poolOutput(size, { ...window, padding: [pad, pad], ceilMode }, axis) - before - wanted;
    if (after >= 0) return { pad, before, after };
    if (stride[axis] < 1) break;
  }
  return undefined;
}

/** Less than any other number, where there is none. */
const LOWEST = -3.4028234663852886e38;

export function readMaxPool(node: ImportedNode): TensorValue {
  const x = node.plain(0);
  const window = readWindow(node, x, node.attributes.ints('kernel_shape', 2));
  const { kernel, stride, dilation, pads } = window;
  const ceilMode = node.attributes.int('ceil_mode', 0) === 1;
  node.attributes.ignore('storage_order');
  const found = fit(x, window, ceilMode);
  const image = found ? x : padded(node, x, pads, LOWEST);
  const { cut, ...options } = found ?? { padding: 0, ceilMode, cut: [0, 0, 0, 0] as const };
  return padded(
    node,
    node.layer(image, () => new MaxPool2d(kernel, { stride, dilation, ...options })),
    cut,
  );
}

export function readAveragePool(node: ImportedNode): TensorValue {
  const x = node.plain(0);
  const window = readWindow(node, x, node.attributes.ints('kernel_shape', 2));
  const { kernel, stride, dilation, pads } = window;
  const countIncludePad = node.attributes.int('count_include_pad', 0) === 1;
  const ceilMode = node.attributes.int('ceil_mode', 0) === 1;
  if (dilation.some((one) => one !== 1)) throw node.fail(`has the dilations ${dilation.join(', ')}`);
  const unpadded = pads.every((pad) => pad === 0);
  if (!ceilMode && (countIncludePad || unpadded)) {
    const divisorOverride = divisorThatFollows(node, kernel);
    if (divisorOverride !== null || !isEven(pads) || pads.some((pad, at) => pad > kernel[at % 2]! / 2)) {
      const image = padded(node, x, pads);
      return node.layer(image, () => new AvgPool2d(kernel, { stride, divisorOverride }));
    }
  }
  const found = countIncludePad && !isEven(pads) ? undefined : fit(x, window, ceilMode);
  if (!found) throw node.fail(`has the pads ${pads.join(', ')}, which Twill's mean cannot leave out`);
  const { cut, ...options } = found;
  return padded(
    node,
    node.layer(x, () => new AvgPool2d(kernel, { stride, countIncludePad, ...options })),
    cut,
  );
}

/** A mean times a number is a sum divided by another one, where that is whole. */
function divisorThatFollows(node: ImportedNode, [height, width]: Pair): number | null {
  const divisorOf = (factor: number) => (height * width) / factor;
  const isWhole = (divisor: number) =>
    divisor > 0.5 && divisor < 2 ** 31 && Math.abs(divisor - Math.round(divisor)) < 1e-6 * divisor;
  const factor = node.constantThatFollows('Mul', (constant) => {
    return constant.size === 1 && isWhole(divisorOf(constant.floats()[0]!));
  });
  return factor ? Math.round(divisorOf(factor.floats()[0]!)) : null;
}

export const readGlobalAveragePool = (node: ImportedNode) =>
  node.layer(node.plain(0), () => new AdaptiveAvgPool2d(1));

const largest = (x: TensorValue) => () => new MaxPool2d(x.symbolic.shape.slice(1) as unknown as Pair);

export function readGlobalMaxPool(node: ImportedNode): TensorValue {
  const x = node.plain(0);
  if (x.symbolic.shape.length !== 3) throw node.fail('reads features, expected images');
  return node.layer(x, largest(x));
}

/** The axes that a node reduces, those of the batch first; all where it names none. */
function reducedAxes(node: ImportedNode): number[] {
  const value = node.input(0);
  const of = value?.kind === 'moment' ? value.of : node.tensor(0);
  const rank = fileShape(of).length + 1;
  node.attributes.ignore('noop_with_empty_axes');
  return (axesOf(node, rank) ?? Array.from({ length: rank }, (_, at) => at)).toSorted((a, b) => a - b);
}

/**
 * The mean over height and width, what Keras calls global average pooling, or over one of them; or over all of an
 * image, as a layer normalisation begins.
 */
export function readReduceMean(node: ImportedNode): Value {
  const axes = reducedAxes(node);
  const value = node.input(0);
  const rank = fileShape(value?.kind === 'moment' ? value.of : node.tensor(0)).length + 1;
  const keeps = node.attributes.int('keepdims', 1) === 1;
  if (keeps && axes.join() === Array.from({ length: rank - 1 }, (_, at) => at + 1).join())
    return meanOf(node);
  const x = node.tensor(0);
  const [height, width] = x.channelsLast ? [1, 2] : [2, 3];
  if (rank === 4 && keeps && axes.length === 1 && [height, width].includes(axes[0]!)) {
    return node.layer(x, () => new AdaptiveAvgPool2d(axes[0] === height ? [1, null] : [null, 1]));
  }
  return reduced(node, x, axes, () => new AdaptiveAvgPool2d(1));
}

export function readReduceMax(node: ImportedNode): TensorValue {
  const x = node.tensor(0);
  return reduced(node, x, reducedAxes(node), largest(x));
}

function reduced(
  node: ImportedNode,
  x: TensorValue,
  axes: readonly number[],
  make: () => Module,
): TensorValue {
  const keeps = node.attributes.int('keepdims', 1) === 1;
  if (x.symbolic.shape.length !== 3 || axes.join() !== (x.channelsLast ? '1,2' : '2,3')) {
    const shape = formatShape(fileShape(x));
    throw node.fail(`goes over the axes ${axes.join(', ')} of N x ${shape}, not over height and width`);
  }
  const made = node.layer(x, make);
  return keeps ? made : flattened(node, made);
}

/** Products with matrices that are the means of an adaptive pool whose windows differ in size: so Twill writes one. */
export function readAdaptiveMean(node: ImportedNode): TensorValue {
  const x = node.plain(0);
  const [, H, W] = x.symbolic.shape as [number, number, number];
  const isMean = (
    dims: readonly number[],
    values: Float32Array,
    size: number,
    outputs: number,
    turned: boolean,
  ) =>
    dims.join() === (turned ? [size, outputs] : [outputs, size]).join() &&
    shares(size, outputs, turned).every((share, at) => Object.is(share, values[at]));
  const columns = node.constant(1);
  const OW = columns.dims[1] ?? 0;
  const rows = isMean(columns.dims, columns.floats(), W, OW, true)
    ? node.constantThatFollows('MatMul', (constant) => {
        const { dims, size } = constant;
        return size === H * dims[0]! && isMean(dims, constant.floats(), H, dims[0]!, false);
      })
    : undefined;
  if (!rows)
    throw node.fail(`multiplies images of N x ${formatShape(x.symbolic.shape)} by a matrix from the right`);
  return node.layer(x, () => new AdaptiveAvgPool2d([rows.dims[0]!, OW]));
}
