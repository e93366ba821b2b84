import { BatchNorm1d, BatchNorm2d } from '../nn/batch_norm.js';
import { Conv2d } from '../nn/conv2d.js';
import { Linear } from '../nn/linear.js';
import type { Constant } from './constant.js';
import type { ImportedNode } from './import-node.js';
import { readConv, readConvTranspose, readPad } from './import-windows.js';
import {
  readAdaptiveMean,
  readAveragePool,
  readGlobalAveragePool,
  readGlobalMaxPool,
  readMaxPool,
  readReduceMax,
  readReduceMean,
} from './import-pools.js';
import { FUNCTION_READERS } from './import-functions.js';
import { readCast, readFlatten, readReshape, readTranspose } from './import-layout.js';
import { readSlice, readSqueeze, readUnsqueeze } from './import-spatial.js';
import { readShape } from './import-sizes.js';
import { NO_DRAWS, toChannelsFirst, transpose } from './parameters.js';
import {
  readConcat,
  readGelu,
  readGroupNorm,
  readInstanceNorm,
  readLayerNorm,
  readSoftmax,
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
  const hasBias = bias !== undefined || node.meetsConstant();
  const made = node.layer(
    { ...x, mixed: undefined },
    () => {
      const module = new Linear(IN, OUT, { bias: hasBias, generator: NO_DRAWS });
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

/** Also of every pixel by itself where the channels are last, as Keras' Dense does: a convolution of one pixel. */
const matMul: NodeReader = (node) => {
  if (node.input(0)?.kind === 'constant') throw node.fail('multiplies a constant from the right');
  const weight = node.constant(1);
  const [IN, OUT] = weight.dims as [number, number];
  const x = node.tensor(0);
  if (x.symbolic.shape.length === 1) return linear(node, weight, true);
  if (!x.channelsLast || weight.dims.length !== 2) return readAdaptiveMean(node);
  const bias = node.biasThatFollows(OUT, [OUT]);
  const make = () => {
    const conv = new Conv2d(IN, OUT, 1, { bias: bias !== undefined, generator: NO_DRAWS });
    conv.weight.write(transpose(node.floats(weight), IN, OUT));
    if (bias) conv.bias!.write(node.floats(bias));
    return conv;
  };
  return node.layer(x, make, weight);
};

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
    ...FUNCTION_READERS,
    AveragePool: readAveragePool,
    BatchNormalization: batchNorm,
    Cast: readCast,
    Concat: readConcat,
    Conv: readConv,
    ConvTranspose: readConvTranspose,
    Dropout: same,
    Flatten: readFlatten,
    Gelu: readGelu,
    Gemm: gemm,
    GlobalAveragePool: readGlobalAveragePool,
    GlobalMaxPool: readGlobalMaxPool,
    GroupNormalization: readGroupNorm,
    Identity: same,
    InstanceNormalization: readInstanceNorm,
    LayerNormalization: readLayerNorm,
    LogSoftmax: readSoftmax,
    MatMul: matMul,
    MaxPool: readMaxPool,
    Pad: readPad,
    ReduceMax: readReduceMax,
    ReduceMean: readReduceMean,
    Reshape: readReshape,
    Shape: readShape,
    Slice: readSlice,
    Softmax: readSoftmax,
    Squeeze: readSqueeze,
    Transpose: readTranspose,
    Unsqueeze: readUnsqueeze,
  } satisfies Record<string, NodeReader>),
);
