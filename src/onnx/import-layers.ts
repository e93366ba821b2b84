import { GELU } from '../nn/activation.js';
import { GroupNorm, InstanceNorm2d, LayerNorm } from '../nn/group_norm.js';
import type { Module } from '../nn/module.js';
import { LogSoftmax, Softmax } from '../nn/softmax.js';
import type { Parameter } from '../graph/parameter.js';
import type { ImportedNode } from './import-node.js';
import type { TensorValue } from './value.js';

// Activations, and normalisations of one image by itself.

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

/** Sets weight and bias of a normalisation from the inputs after the images, each of their values for `each` channels. */
function withAffine<M extends Module & Weights>(node: ImportedNode, module: M, each = 1): M {
  const [weight, bias] = [node.constant(1), node.optional(2)];
  for (const [parameter, constant] of [
    [module.weight!, weight],
    [module.bias!, bias],
  ] as const) {
    if (!constant) continue;
    if (constant.size * each !== parameter.size) {
      throw node.fail(`has ${constant.size} weights and not ${parameter.size / each}`);
    }
    const values = node.floats(constant);
    parameter.write(Float32Array.from({ length: parameter.size }, (_, at) => values[Math.floor(at / each)]!));
  }
  return module;
}

interface Weights {
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

/** Of groups of channels it is a group normalisation: so PyTorch writes one. */
export function readInstanceNorm(node: ImportedNode): TensorValue {
  const x = node.image(0);
  const eps = node.attributes.float('epsilon', 1e-5);
  const [channels = 1, ...size] = x.symbolic.shape;
  if (x.channelsLast || x.mixed || size.length !== 2)
    throw node.fail('normalises what are no N x C x H x W images');
  const make = () => {
    const { groups } = x;
    if (groups === undefined) return withAffine(node, new InstanceNorm2d(channels, { eps, affine: true }));
    return withAffine(node, new GroupNorm(groups, channels, { eps }), channels / groups);
  };
  return node.layer(x, make, x.groups === undefined ? node.constant(1) : undefined);
}

/** Before opset 21 its weights are one a group. */
export function readGroupNorm(node: ImportedNode): TensorValue {
  const x = node.plain(0);
  const groups = node.attributes.int('num_groups', 1);
  const eps = node.attributes.float('epsilon', 1e-5);
  node.attributes.ignore('stash_type');
  const channels = x.symbolic.shape[0]!;
  const each = node.graph.opset < 21 && node.constant(1).size === groups ? channels / groups : 1;
  return node.layer(
    x,
    () => withAffine(node, new GroupNorm(groups, channels, { eps }), each),
    node.constant(1),
  );
}

export function readConcat(node: ImportedNode): TensorValue {
  const tensors = Array.from({ length: node.inputs }, (_, at) => node.tensor(at));
  const [first] = tensors as [TensorValue];
  const rank = first.symbolic.shape.length + 1;
  const given = node.attributes.int('axis', 1);
  const axis = given < 0 ? given + rank : given;
  if (axis !== (first.channelsLast ? rank - 1 : 1)) {
    throw node.fail(`goes along axis ${given}, not along channels`);
  }
  if (tensors.some((one) => one.mixed || Boolean(one.channelsLast) !== Boolean(first.channelsLast))) {
    throw node.fail('joins images whose channels are first with images whose channels are last');
  }
  return node.apply(first, tensors, ([one, ...others]) => one!.concat(...others));
}
