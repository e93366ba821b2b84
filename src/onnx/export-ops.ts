import type { GraphNode } from '../graph/graph.js';
import type { BatchNormAttributes } from '../ops/batch_norm.js';
import type { Conv2dAttributes } from '../ops/conv2d.js';
import { type MaxPool2dAttributes, poolOutput } from '../ops/max_pool2d.js';
import type { GraphWriter } from './writer.js';

/** A node of Twill's graph on its way into a file. */
export interface ExportedNode {
  readonly graph: GraphWriter;
  readonly node: GraphNode;
  /** What to call the nodes and tensors that come of it. */
  readonly name: string;
  /** Names of its inputs in the file. */
  readonly inputs: readonly string[];
  /** Name of a parameter in the file; undefined where the node does not have it. */
  parameter(name: string): string | undefined;
}

/** Writes the nodes of an op and returns the name of what they give. */
type OpWriter = (exported: ExportedNode) => string;

/** `x` begin and end alike, height before width: [top, left, bottom, right]. */
const bothEnds = (padding: readonly [number, number]) => [...padding, ...padding];

const conv2d: OpWriter = ({ graph, node, name, inputs, parameter }) => {
  const { kernel, stride, padding, dilation, groups } = node.attributes as Conv2dAttributes;
  return graph.node(name, 'Conv', [inputs[0], parameter('weight'), parameter('bias')], {
    kernel_shape: kernel,
    strides: stride,
    pads: bothEnds(padding),
    dilations: dilation,
    group: groups,
  });
};

const linear: OpWriter = ({ graph, name, inputs, parameter }) =>
  graph.node(name, 'Gemm', [inputs[0], parameter('weight'), parameter('bias')], { transB: 1 });

const maxPool2d: OpWriter = ({ graph, node, name, inputs }) => {
  const attributes = node.attributes as MaxPool2dAttributes;
  const { kernel, stride, dilation } = attributes;
  return graph.node(name, 'MaxPool', [inputs[0]], {
    kernel_shape: kernel,
    strides: stride,
    dilations: dilation,
    ...poolPadding(attributes, node.inputs[0]!.shape),
  });
};

/**
 * Pads and rounding of a pool. PyTorch's ceil mode drops a last window that would start in the padding, ONNX's did not
 * before opset 22: there the pads at the end are what the windows reach over, and the size is rounded down.
 */
export function poolPadding(
  attributes: MaxPool2dAttributes,
  shape: readonly number[],
): { pads: number[]; ceil_mode: number } {
  const { kernel, stride, padding, dilation, ceilMode } = attributes;
  const axes = [0, 1] as const;
  const rounded = (axis: 0 | 1) => {
    const reach = dilation[axis] * (kernel[axis] - 1) + 1;
    const outputs = poolOutput(shape[1 + axis]!, attributes, axis);
    const spans = (shape[1 + axis]! + 2 * padding[axis] - reach) / stride[axis];
    const end = Math.max(0, (outputs - 1) * stride[axis] + reach - shape[1 + axis]! - padding[axis]);
    return { end, drops: Math.ceil(spans) + 1 !== outputs };
  };
  if (!ceilMode || !axes.some((axis) => rounded(axis).drops)) {
    return { pads: bothEnds(padding), ceil_mode: ceilMode ? 1 : 0 };
  }
  return { pads: [...padding, ...axes.map((axis) => rounded(axis).end)], ceil_mode: 0 };
}

const flatten: OpWriter = ({ graph, name, inputs }) => graph.node(name, 'Flatten', inputs, { axis: 1 });

const batchNorm: OpWriter = ({ graph, node, name, inputs, parameter }) => {
  const { eps, momentum } = node.attributes as BatchNormAttributes;
  const channels = node.output.shape[0]!;
  const constant = (which: string, value: number) =>
    graph.floats(`${name}.${which}`, new Float32Array(channels).fill(value), [channels]);
  return graph.node(
    name,
    'BatchNormalization',
    [
      inputs[0],
      parameter('weight') ?? constant('weight', 1),
      parameter('bias') ?? constant('bias', 0),
      parameter('running_mean'),
      parameter('running_var'),
    ],
    // ONNX weighs what there was, PyTorch what is new; null (every batch weighs the same) cannot be said there.
    { epsilon: { float: eps }, ...(momentum !== null && { momentum: { float: 1 - momentum } }) },
  );
};

/** By the op's name. An op that is not here cannot be exported; a test holds the list to all that there are. */
export const OP_WRITERS: ReadonlyMap<string, OpWriter> = new Map(
  Object.entries({
    add: ({ graph, name, inputs }) => graph.node(name, 'Add', inputs),
    batch_norm: batchNorm,
    conv2d,
    flatten,
    linear,
    max_pool2d: maxPool2d,
    relu: ({ graph, name, inputs }) => graph.node(name, 'Relu', inputs),
  } satisfies Record<string, OpWriter>),
);
