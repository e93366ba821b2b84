import { AdaptiveAvgPool2d } from '../nn/avg_pool2d.js';
import { GELU, LeakyReLU, Sigmoid, SiLU, Tanh } from '../nn/activation.js';
import { GroupNorm, InstanceNorm2d, LayerNorm } from '../nn/group_norm.js';
import type { Module } from '../nn/module.js';
import { LogSoftmax, Softmax } from '../nn/softmax.js';
import type { Parameter } from '../graph/parameter.js';
import { flatten } from '../ops/flatten.js';
import type { ImportedNode } from './import-node.js';
import type { TensorValue } from './value.js';

// Activations, and normalisations of one image by itself.

/** x sigmoid(x) is SiLU: PyTorch and Twill write it as these two nodes. */
export function readSigmoid(node: ImportedNode): TensorValue {
  const x = node.tensor(0);
  return node.layer(x, () => (node.gatesItsInput() ? new SiLU() : new Sigmoid()));
}

export const readTanh = (node: ImportedNode) => node.layer(node.tensor(0), () => new Tanh());

export function readLeakyRelu(node: ImportedNode): TensorValue {
  const slope = node.attributes.float('alpha', 0.01);
  return node.layer(node.tensor(0), () => new LeakyReLU(slope));
}

export function readGelu(node: ImportedNode): TensorValue {
  const approximate = node.attributes.string('approximate', 'none') as 'none' | 'tanh';
  return node.layer(node.tensor(0), () => new GELU({ approximate }));
}

export function readSoftmax(node: ImportedNode): TensorValue {
  const x = node.tensor(0);
  const rank = x.symbolic.shape.length + 1;
  const given = node.attributes.int('axis', node.graph.opset < 13 ? 1 : -1);
  const axis = given < 0 ? given + rank : given;
  if (axis !== (x.channelsLast ? rank - 1 : 1)) throw node.fail(`goes over axis ${given}, not over channels`);
  return node.layer(x, () => (node.type === 'LogSoftmax' ? new LogSoftmax(1) : new Softmax(1)));
}

/** Sets weight and bias of a normalisation from the inputs after the images. */
function withAffine<M extends Module & Affine>(node: ImportedNode, module: M): M {
  const [weight, bias] = [node.constant(1), node.optional(2)];
  for (const [parameter, constant] of [
    [module.weight!, weight],
    [module.bias!, bias],
  ] as const) {
    if (!constant) continue;
    if (constant.size !== parameter.size) {
      throw node.fail(`has ${constant.size} weights and not ${parameter.size}`);
    }
    parameter.write(node.floats(constant));
  }
  return module;
}

interface Affine {
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;
}

export function readLayerNorm(node: ImportedNode): TensorValue {
  const x = node.plain(0);
  const { shape } = x.symbolic;
  const axis = node.attributes.int('axis', -1);
  node.attributes.ignore('stash_type');
  if (axis !== 1 && axis !== -shape.length)
    throw node.fail(`goes from axis ${axis} on, not over a whole image`);
  const eps = node.attributes.float('epsilon', 1e-5);
  return node.layer(x, () => withAffine(node, new LayerNorm(shape, { eps })), node.constant(1));
}

export function readInstanceNorm(node: ImportedNode): TensorValue {
  const x = node.plain(0);
  const eps = node.attributes.float('epsilon', 1e-5);
  const channels = x.symbolic.shape[0]!;
  const make = () => withAffine(node, new InstanceNorm2d(channels, { eps, affine: true }));
  return node.layer(x, make, node.constant(1));
}

export function readGroupNorm(node: ImportedNode): TensorValue {
  const x = node.plain(0);
  const groups = node.attributes.int('num_groups', 1);
  const eps = node.attributes.float('epsilon', 1e-5);
  node.attributes.ignore('stash_type');
  const channels = x.symbolic.shape[0]!;
  return node.layer(x, () => withAffine(node, new GroupNorm(groups, channels, { eps })), node.constant(1));
}

export function readConcat(node: ImportedNode): TensorValue {
  const tensors = Array.from({ length: node.inputs }, (_, at) => node.plain(at));
  const axis = node.attributes.int('axis', 1);
  if (axis !== 1 && axis !== -tensors[0]!.symbolic.shape.length) {
    throw node.fail(`goes along axis ${axis}, not along channels`);
  }
  return node.apply(tensors[0]!, tensors, ([first, ...others]) => first!.concat(...others));
}

export const readGlobalAveragePool = (node: ImportedNode) =>
  node.layer(node.plain(0), () => new AdaptiveAvgPool2d(1));

/** The mean over height and width: what Keras calls global average pooling. */
export function readReduceMean(node: ImportedNode): TensorValue {
  const x = node.tensor(0);
  const axes = node.attributes.list('axes') ?? node.sizes(1);
  const keeps = node.attributes.int('keepdims', 1) === 1;
  node.attributes.ignore('noop_with_empty_axes');
  const positive = axes.map((axis) => (axis! < 0 ? axis! + 4 : axis!)).sort();
  const expected = x.channelsLast ? '1,2' : '2,3';
  if (x.symbolic.shape.length !== 3 || String(positive) !== expected) {
    throw node.fail(`goes over the axes ${axes.join(', ')}, not over height and width`);
  }
  const mean = node.layer(x, () => new AdaptiveAvgPool2d(1));
  if (keeps) return mean;
  const flat = { ...mean, channelsLast: false };
  return node.apply(flat, [mean], ([input]) => input!.graph.apply(flatten, [input!], {}, {}));
}
