import type { GraphNode } from '../graph/graph.js';
import type { ActivationAttributes } from '../ops/activation.js';
import type { SoftmaxAttributes } from '../ops/softmax.js';
import { batchNorm, groupNorm } from './export-norms.js';
import { avgPool2d, conv2d, convTranspose2d, maxPool2d, pad2d } from './export-windows.js';
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

const activation: OpWriter = ({ graph, node, name, inputs }) => {
  const { kind, slope = 0, low = 0, high = 0 } = node.attributes as ActivationAttributes;
  switch (kind) {
    case 'leaky_relu':
      return graph.node(name, 'LeakyRelu', inputs, { alpha: { float: slope } });
    case 'elu':
      return graph.node(name, 'Elu', inputs, { alpha: { float: slope } });
    case 'sigmoid':
      return graph.node(name, 'Sigmoid', inputs);
    case 'tanh':
      return graph.node(name, 'Tanh', inputs);
    case 'hardswish':
      return graph.node(name, 'HardSwish', inputs);
    case 'hardsigmoid': {
      const span = high - low;
      return graph.node(name, 'HardSigmoid', inputs, {
        alpha: { float: 1 / span },
        beta: { float: -low / span },
      });
    }
    case 'hardtanh': {
      const limit = (key: string, value: number) =>
        Number.isFinite(value) ? graph.floats(`${name}.${key}`, Float32Array.of(value), []) : undefined;
      return graph.node(name, 'Clip', [inputs[0], limit('min', low), limit('max', high)]);
    }
    case 'silu': {
      const gate = graph.node(`${name}.gate`, 'Sigmoid', inputs);
      return graph.node(name, 'Mul', [inputs[0], gate]);
    }
    default:
      graph.needs(20);
      return graph.node(name, 'Gelu', inputs, { approximate: kind === 'gelu_tanh' ? 'tanh' : 'none' });
  }
};

/** 0 is the batch, as it comes. */
const reshape: OpWriter = ({ graph, node, name, inputs }) =>
  graph.node(name, 'Reshape', [inputs[0], graph.integers(`${name}.shape`, [0, ...node.output.shape])]);

/** By the op's name. An op that is not here cannot be exported; a test holds the list to all that there are. */
export const OP_WRITERS: ReadonlyMap<string, OpWriter> = new Map(
  Object.entries({
    activation,
    add: ({ graph, name, inputs }) => graph.node(name, 'Add', inputs),
    avg_pool2d: avgPool2d,
    batch_norm: batchNorm,
    concat: ({ graph, name, inputs }) => graph.node(name, 'Concat', inputs, { axis: 1 }),
    conv2d,
    conv_transpose2d: convTranspose2d,
    // A model is written as it is applied.
    dropout: ({ inputs }) => inputs[0]!,
    flatten: ({ graph, name, inputs }) => graph.node(name, 'Flatten', inputs, { axis: 1 }),
    group_norm: groupNorm,
    linear: ({ graph, name, inputs, parameter }) =>
      graph.node(name, 'Gemm', [inputs[0], parameter('weight'), parameter('bias')], { transB: 1 }),
    max_pool2d: maxPool2d,
    mul: ({ graph, name, inputs }) => graph.node(name, 'Mul', inputs),
    pad2d,
    relu: ({ graph, name, inputs }) => graph.node(name, 'Relu', inputs),
    reshape,
    softmax: ({ graph, node, name, inputs }) => {
      const { log } = node.attributes as SoftmaxAttributes;
      return graph.node(name, log ? 'LogSoftmax' : 'Softmax', inputs, { axis: 1 });
    },
  } satisfies Record<string, OpWriter>),
);
