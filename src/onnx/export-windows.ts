import type { AvgPool2dAttributes, SlidingAvgPool2d } from '../ops/avg_pool2d.js';
import type { Conv2dAttributes } from '../ops/conv2d.js';
import type { ConvTranspose2dAttributes } from '../ops/conv_transpose2d.js';
import { type MaxPool2dAttributes, poolOutput } from '../ops/max_pool2d.js';
import type { Pad2dAttributes } from '../ops/pad2d.js';
import type { ExportedNode } from './export-ops.js';
import { shares } from './parameters.js';

// Ops that go over an image by windows, and what lies around it.

/** The same before and after, height before width: [top, left, bottom, right]. */
const bothEnds = (padding: readonly [number, number]) => [...padding, ...padding];

export function conv2d({ graph, node, name, inputs, parameter }: ExportedNode): string {
  const { kernel, stride, padding, dilation, groups } = node.attributes as Conv2dAttributes;
  return graph.node(name, 'Conv', [inputs[0], parameter('weight'), parameter('bias')], {
    kernel_shape: kernel,
    strides: stride,
    pads: bothEnds(padding),
    dilations: dilation,
    group: groups,
  });
}

export function convTranspose2d({ graph, node, name, inputs, parameter }: ExportedNode): string {
  const attributes = node.attributes as ConvTranspose2dAttributes;
  const { kernel, stride, padding, outputPadding, dilation, groups } = attributes;
  return graph.node(name, 'ConvTranspose', [inputs[0], parameter('weight'), parameter('bias')], {
    kernel_shape: kernel,
    strides: stride,
    pads: bothEnds(padding),
    output_padding: outputPadding,
    dilations: dilation,
    group: groups,
  });
}

export function maxPool2d({ graph, node, name, inputs }: ExportedNode): string {
  const attributes = node.attributes as MaxPool2dAttributes;
  const { kernel, stride, padding, dilation, ceilMode } = attributes;
  const { ends, drops } = lastWindows(attributes, node.inputs[0]!.shape);
  return graph.node(name, 'MaxPool', [inputs[0]], {
    kernel_shape: kernel,
    strides: stride,
    dilations: dilation,
    pads: drops ? [...padding, ...ends] : bothEnds(padding),
    ceil_mode: ceilMode && !drops ? 1 : 0,
  });
}

/**
 * How far the last windows reach beyond the image, and whether PyTorch's ceil mode drops one that would start in the
 * padding. ONNX did not before opset 22: there the pads at the end are that reach, and the size is rounded down.
 */
function lastWindows(attributes: MaxPool2dAttributes, shape: readonly number[]) {
  const { kernel, stride, padding, dilation, ceilMode } = attributes;
  const axes = ([0, 1] as const).map((axis) => {
    const reach = dilation[axis] * (kernel[axis] - 1) + 1;
    const size = shape[1 + axis]!;
    const outputs = poolOutput(size, attributes, axis);
    const spans = (size + 2 * padding[axis] - reach) / stride[axis];
    const end = Math.max(0, (outputs - 1) * stride[axis] + reach - size - padding[axis]);
    return { end, drops: Math.ceil(spans) + 1 !== outputs };
  });
  return { ends: axes.map(({ end }) => end), drops: ceilMode && axes.some(({ drops }) => drops) };
}

export function avgPool2d(exported: ExportedNode): string {
  const attributes = exported.node.attributes as AvgPool2dAttributes;
  return 'outputSize' in attributes ? adaptive(exported) : sliding(exported, attributes);
}

/**
 * Runtimes differ in what counts where the last windows reach beyond the padding: it is laid around the image first
 * where it counts, and only what is beyond it is left to the pool, where nothing beyond counts.
 */
function sliding({ graph, node, name, inputs }: ExportedNode, attributes: SlidingAvgPool2d): string {
  const { kernel, stride, padding, countIncludePad, divisorOverride } = attributes;
  const { ends } = lastWindows({ ...attributes, dilation: [1, 1] }, node.inputs[0]!.shape);
  const pool = { kernel_shape: kernel, strides: stride };
  if (!countIncludePad && divisorOverride === null) {
    return graph.node(name, 'AveragePool', inputs, { ...pool, pads: [...padding, ...ends] });
  }
  const [height, width] = padding;
  const beyond = ends.map((end, axis) => Math.max(0, end - padding[axis]!)) as [number, number];
  const around = divisorOverride === null ? [height, width] : [height + beyond[0], width + beyond[1]];
  const pads = [0, 0, height, width, 0, 0, ...around];
  const padded = pads.some((pad) => pad > 0)
    ? graph.node(`${name}.padded`, 'Pad', [inputs[0], graph.integers(`${name}.pads`, pads)])
    : inputs[0]!;
  if (divisorOverride === null) {
    return graph.node(name, 'AveragePool', [padded], { ...pool, pads: [0, 0, ...beyond] });
  }
  const mean = graph.node(`${name}.mean`, 'AveragePool', [padded], pool);
  const factor = Float32Array.of((kernel[0] * kernel[1]) / divisorOverride);
  return graph.node(name, 'Mul', [mean, graph.floats(`${name}.factor`, factor, [])]);
}

/** The mean over rows, then over columns: windows of different sizes are products with matrices. */
function adaptive({ graph, node, name, inputs }: ExportedNode): string {
  const [, H, W] = node.inputs[0]!.shape as [number, number, number];
  const [, OH, OW] = node.output.shape as [number, number, number];
  if (OH === 1 && OW === 1) return graph.node(name, 'GlobalAveragePool', inputs);
  if (H % OH === 0 && W % OW === 0) {
    const kernel = [H / OH, W / OW];
    return graph.node(name, 'AveragePool', inputs, { kernel_shape: kernel, strides: kernel });
  }
  const rows = graph.floats(`${name}.rows`, shares(H, OH, false), [OH, H]);
  const columns = graph.floats(`${name}.columns`, shares(W, OW, true), [W, OW]);
  const across = graph.node(`${name}.across`, 'MatMul', [inputs[0], columns]);
  return graph.node(name, 'MatMul', [rows, across]);
}

const PAD_MODES = { constant: 'constant', reflect: 'reflect', replicate: 'edge' } as const;

export function pad2d({ graph, node, name, inputs }: ExportedNode): string {
  const { padding, mode, value } = node.attributes as Pad2dAttributes;
  const [left, right, top, bottom] = padding;
  const pads = graph.integers(`${name}.pads`, [0, 0, top, left, 0, 0, bottom, right]);
  const constant =
    mode === 'constant' ? graph.floats(`${name}.value`, Float32Array.of(value), []) : undefined;
  return graph.node(name, 'Pad', [inputs[0], pads, constant], { mode: PAD_MODES[mode] });
}
