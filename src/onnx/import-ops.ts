import { BatchNorm1d, BatchNorm2d } from '../nn/batch_norm.js';
import { Linear } from '../nn/linear.js';
import { ReLU } from '../nn/relu.js';
import type { Constant } from './constant.js';
import type { ImportedNode } from './import-node.js';
import { readAveragePool, readConv, readConvTranspose, readMaxPool, readPad } from './import-windows.js';
import { readCast, readDivideOrMultiply, readFlatten, readReshape, readTranspose } from './import-layout.js';
import { readShape } from './import-sizes.js';
import { NO_DRAWS, toChannelsFirst, transpose } from './parameters.js';
import {
  readConcat,
  readGelu,
  readGlobalAveragePool,
  readGroupNorm,
  readInstanceNorm,
  readLayerNorm,
  readLeakyRelu,
  readReduceMean,
  readSigmoid,
  readSoftmax,
  readTanh,
} from './import-layers.js';
import type { TensorValue, Value } from './value.js';

/** Makes a part of the model of a node. */
type NodeReader = (node: ImportedNode) => Value;

/** y = x W^T + b; `turned`: the file has W as [IN, OUT]. */
function linear(node: ImportedNode, weight: Constant, turned: boolean, given?: Constant): TensorValue {
  const x = node.tensor(0);
  if (weight.dims.length !== 2) throw node.fail(`has a weight of ${weight.dims.length} dimensions and not 2`);
  const [rows, columns] = weight.dims as [number, number];
  const [OUT, IN] = turned ? [columns, rows] : [rows, columns];
  const bias = given ?? node.biasThatFollows(OUT, [1, OUT]);
  const made = node.layer(
    { ...x, mixed: undefined },
    () => {
      const module = new Linear(IN, OUT, { bias: bias !== undefined, generator: NO_DRAWS });
      const values = turned ? transpose(node.floats(weight), rows, columns) : node.floats(weight);
      const { mixed } = x;
      const fits = mixed && mixed.reduce((product, size) => product * size, 1) === IN;
      module.weight.write(fits ? toChannelsFirst(values, mixed) : values);
      if (bias) module.bias!.write(node.floats(bias));
      return module;
    },
    weight,
  );
  return made;
}

const gemm: NodeReader = (node) => {
  const { attributes } = node;
  const plain = attributes.float('alpha', 1) === 1 && attributes.float('beta', 1) === 1;
  if (!plain || attributes.int('transA', 0) !== 0) throw node.fail('has an alpha, beta or transA');
  const bias = node.optional(2);
  const weight = node.constant(1);
  const turned = attributes.int('transB', 0) === 0;
  if (bias && bias.size !== weight.dims[turned ? 1 : 0]) {
    throw node.fail(`has a weight of ${weight.dims.join('x')} but a bias of ${bias.dims.join('x')}`);
  }
  return linear(node, weight, turned, bias);
};

const add: NodeReader = (node) => {
  const [a, b] = [node.input(0), node.input(1)];
  if (a?.kind !== 'tensor' || b?.kind !== 'tensor') {
    throw node.fail('adds a constant that is no bias of the convolution or matrix product before it');
  }
  const [x, y] = [node.tensor(0), node.tensor(1)];
  if (Boolean(x.channelsLast) !== Boolean(y.channelsLast) || String(x.mixed) !== String(y.mixed)) {
    throw node.fail('adds images whose channels are first to images whose channels are last');
  }
  return node.apply(x, [x, y], ([one, other]) => one!.add(other!));
};

const batchNorm: NodeReader = (node) => {
  const { attributes } = node;
  const eps = attributes.float('epsilon', 1e-5);
  const momentum = Math.fround(1 - attributes.float('momentum', 0.9));
  attributes.ignore('spatial', 'training_mode', 'is_test', 'consumed_inputs');
  const x = node.tensor(0);
  if (x.channelsLast) throw node.fail('normalises images whose channels are last');
  const [weight, bias, mean, variance] = [1, 2, 3, 4].map((at) => node.constant(at));
  const channels = weight!.size;
  if ([bias, mean, variance].some((one) => one!.size !== channels)) {
    throw node.fail('has weight, bias, mean and variance of different sizes');
  }
  const make = () => {
    const Norm = x.symbolic.shape.length === 1 ? BatchNorm1d : BatchNorm2d;
    const module = new Norm(channels, { eps, momentum: Math.min(1, Math.max(0, momentum)) });
    const read = (one: Constant) => {
      const values = node.floats(one);
      return x.mixed && values.length === x.symbolic.shape[0] ? toChannelsFirst(values, x.mixed) : values;
    };
    module.weight!.write(read(weight!));
    module.bias!.write(read(bias!));
    module.running_mean.write(read(mean!));
    module.running_var.write(read(variance!));
    return module;
  };
  return node.layer(x, make, weight);
};

const relu: NodeReader = (node) => {
  const x = node.tensor(0);
  return node.layer(x, () => new ReLU());
};

/** What a node takes is what it gives: Identity, and Dropout in a model that is applied. */
const same: NodeReader = (node) => {
  node.attributes.ignore('ratio', 'seed', 'is_test');
  const value = node.input(0);
  if (!value) throw node.fail('lacks its input');
  return value;
};

/** By operator. */
export const NODE_READERS: ReadonlyMap<string, NodeReader> = new Map(
  Object.entries({
    Add: add,
    AveragePool: readAveragePool,
    BatchNormalization: batchNorm,
    Cast: readCast,
    Concat: readConcat,
    Conv: readConv,
    ConvTranspose: readConvTranspose,
    Div: readDivideOrMultiply,
    Dropout: same,
    Flatten: readFlatten,
    Gelu: readGelu,
    Gemm: gemm,
    GlobalAveragePool: readGlobalAveragePool,
    GroupNormalization: readGroupNorm,
    Identity: same,
    InstanceNormalization: readInstanceNorm,
    LayerNormalization: readLayerNorm,
    LeakyRelu: readLeakyRelu,
    LogSoftmax: readSoftmax,
    MatMul: (node) => linear(node, node.constant(1), true),
    MaxPool: readMaxPool,
    Mul: readDivideOrMultiply,
    Pad: readPad,
    ReduceMean: readReduceMean,
    Relu: relu,
    Reshape: readReshape,
    Shape: readShape,
    Sigmoid: readSigmoid,
    Softmax: readSoftmax,
    Tanh: readTanh,
    Transpose: readTranspose,
  } satisfies Record<string, NodeReader>),
);
