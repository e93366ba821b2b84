import { ShapeError } from '../errors.js';
import { add as addOp } from '../ops/add.js';
import { type Conv2dAttributes, conv2d as conv2dOp } from '../ops/conv2d.js';
import { withWinograd } from '../ops/winograd.js';
import { linear as linearOp } from '../ops/linear.js';
import { maxPool2d as maxPool2dOp } from '../ops/max_pool2d.js';
import { mul as mulOp } from '../ops/mul.js';
import { formatShape } from '../ops/op.js';
import { relu as reluOp } from '../ops/relu.js';
import { checkOptions, positiveInteger } from '../options.js';
import { backward, checkTensor, features, forward, type Tensor, zeros } from './eager.js';
import { type MaxPool2dOptions, maxPool2dAttributes } from './max_pool2d.js';
import { pair, type Size2d } from './pair.js';

export { type Tensor, tensor } from './eager.js';
export * from './functional_activation.js';
export * from './functional_group_norm.js';
export * from './functional_loss.js';
export * from './functional_norm.js';
export * from './functional_softmax.js';
export * from './functional_spatial.js';

/**
 * The kernels without a model: functions on arrays, torch.nn.functional. Every call copies its arrays in and out and
 * plans a program of its own; a `Module` is the way to train. They run on the backend of `loadBackend()`, in Node on
 * the default one.
 */

export interface Conv2dFunctionOptions {
  /** Default 1. */
  stride?: Size2d;
  /** Default 0. */
  padding?: Size2d;
  /** Default 1. */
  dilation?: Size2d;
  /** Default 1. */
  groups?: number;
  /** As that of `Conv2d`; default false. */
  winograd?: boolean;
}

/** Gradients of a layer's input and parameters for the gradient of its output. */
export interface LayerGradients {
  /** Of the shape of the input, the batch included. */
  readonly input: Tensor;
  /** Of the shape of the weight, summed over the batch. */
  readonly weight: Tensor;
  /** One value an output channel or feature, summed over the batch. */
  readonly bias: Tensor;
}

/** x [N, IC, H, W], weight [OC, IC/groups, KH, KW], bias [OC] to [N, OC, OH, OW], torch.nn.functional.conv2d. */
export function conv2d(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor | null,
  options?: Conv2dFunctionOptions,
): Tensor {
  return forward(conv2dOp, x, { weight, bias }, conv2dAttributes('conv2d', weight, options));
}

/** The gradients of `conv2d` for `gradOutput` [N, OC, OH, OW], the gradient of its output. */
export function conv2dBackward(
  gradOutput: Tensor,
  x: Tensor,
  weight: Tensor,
  options?: Conv2dFunctionOptions,
): LayerGradients {
  const attributes = conv2dAttributes('conv2dBackward', weight, options);
  const bias = zeros([attributes.outChannels]);
  const { input, parameters } = backward(conv2dOp, gradOutput, x, { weight, bias }, attributes);
  return { input, weight: parameters.weight!, bias: parameters.bias! };
}

/** x [N, C, H, W] to [N, C, OH, OW], torch.nn.functional.max_pool2d: the first of equals, NaN above all. */
export function maxPool2d(x: Tensor, kernelSize: Size2d, options?: MaxPool2dOptions): Tensor {
  return forward(maxPool2dOp, x, {}, maxPool2dAttributes('maxPool2d', kernelSize, options));
}

/** The gradient of `maxPool2d`'s input for `gradOutput`, the gradient of its output. */
export function maxPool2dBackward(
  gradOutput: Tensor,
  x: Tensor,
  kernelSize: Size2d,
  options?: MaxPool2dOptions,
): Tensor {
  const attributes = maxPool2dAttributes('maxPool2dBackward', kernelSize, options);
  return backward(maxPool2dOp, gradOutput, x, {}, attributes).input;
}

/** x + y of one shape. The gradient of each is that of the sum: there is no `addBackward`. */
export function add(x: Tensor, y: Tensor): Tensor {
  if (formatShape(checkTensor('add', 'y', y).shape) !== formatShape(checkTensor('add', 'x', x).shape)) {
    throw new ShapeError(
      `[add] expected two tensors of one shape but got ${formatShape(x.shape)} and ${formatShape(y.shape)}`,
    );
  }
  return { ...forward(addOp, [features('add', x), features('add', y)], {}, {}), shape: x.shape };
}

/** x * y of one shape, or of images [N, C, H, W] and a gate [N, C, 1, 1] in either order, torch.mul. */
export function mul(x: Tensor, y: Tensor): Tensor {
  const output = forward(mulOp, factors('mul', x, y), {}, {});
  return isOneShape(x, y) ? { ...output, shape: x.shape } : output;
}

/** The gradients of `mul`'s two tensors for `gradOutput`, the gradient of its output: a gate's are added up. */
export function mulBackward(gradOutput: Tensor, x: Tensor, y: Tensor): [Tensor, Tensor] {
  const where = 'mulBackward';
  const both = factors(where, x, y);
  const upstream = isOneShape(x, y) ? features(where, gradOutput) : gradOutput;
  const [ofX, ofY] = backward(mulOp, upstream, both, {}, {}).inputs;
  return [
    { ...ofX!, shape: x.shape },
    { ...ofY!, shape: y.shape },
  ];
}

const isOneShape = (x: Tensor, y: Tensor) => formatShape(x.shape) === formatShape(y.shape);

/** Two tensors of one shape as features, which any shape can be. */
function factors(where: string, x: Tensor, y: Tensor): Tensor[] {
  const both = [checkTensor(where, 'x', x), checkTensor(where, 'y', y)];
  return isOneShape(x, y) ? both.map((one) => features(where, one)) : both;
}

/** max(x, 0) of any shape with a batch; NaN stays NaN. */
export function relu(x: Tensor): Tensor {
  return { ...forward(reluOp, features('relu', x), {}, {}), shape: x.shape };
}

/** The gradient of `relu`'s input for `gradOutput`, the gradient of its output. */
export function reluBackward(gradOutput: Tensor, x: Tensor): Tensor {
  return {
    ...backward(reluOp, features('relu', gradOutput), features('relu', x), {}, {}).input,
    shape: x.shape,
  };
}

/** x [N, IN], weight [OUT, IN], bias [OUT] to x W^T + b [N, OUT], torch.nn.functional.linear. */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor | null): Tensor {
  return forward(linearOp, x, { weight, bias }, {});
}

/** The gradients of `linear` for `gradOutput` [N, OUT], the gradient of its output. */
export function linearBackward(gradOutput: Tensor, x: Tensor, weight: Tensor): LayerGradients {
  const bias = zeros([checkTensor('linearBackward', 'weight', weight).shape[0]!]);
  const { input, parameters } = backward(linearOp, gradOutput, x, { weight, bias }, {});
  return { input, weight: parameters.weight!, bias: parameters.bias! };
}

function conv2dAttributes(where: string, weight: Tensor, options?: Conv2dFunctionOptions): Conv2dAttributes {
  const known = ['stride', 'padding', 'dilation', 'groups', 'winograd'] as const;
  const given = checkOptions(where, options, known);
  const { stride = 1, padding = 0, dilation = 1, groups = 1, winograd = false } = given;
  const { shape } = checkTensor(where, 'weight', weight);
  const attributes: Conv2dAttributes = {
    kernel: [shape[2] ?? 1, shape[3] ?? 1],
    outChannels: shape[0]!,
    groups: positiveInteger(where, 'groups', groups),
    stride: pair(where, 'stride', stride, 1),
    padding: pair(where, 'padding', padding, 0),
    dilation: pair(where, 'dilation', dilation, 1),
  };
  return withWinograd(where, attributes, shape[1] ?? 1, winograd);
}
