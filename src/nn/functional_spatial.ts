import { OptionError } from '../errors.js';
import { avgPool2d as avgPool2dOp } from '../ops/avg_pool2d.js';
import { concat as concatOp } from '../ops/concat.js';
import { convTranspose2d as convTranspose2dOp } from '../ops/conv_transpose2d.js';
import { type Pad2dAttributes, type PadMode, pad2d as pad2dOp } from '../ops/pad2d.js';
import { checkOptions, finiteNumber, show } from '../options.js';
import {
  type AdaptiveSize2d,
  adaptiveAttributes,
  type AvgPool2dOptions,
  avgPool2dAttributes,
} from './avg_pool2d.js';
import {
  CONV_TRANSPOSE2D_OPTIONS,
  type ConvTranspose2dFunctionOptions,
  convTranspose2dAttributes,
  widened,
} from './conv_transpose2d.js';
import { backward, checkTensor, forward, type Tensor, zeros } from './eager.js';
import { type Padding2d, padding2d } from './pad2d.js';
import type { Size2d } from './pair.js';

/** x [N, C, H, W] to [N, C, OH, OW], torch.nn.functional.avg_pool2d: the mean of each window. */
export function avgPool2d(x: Tensor, kernelSize: Size2d, options?: AvgPool2dOptions): Tensor {
  return forward(avgPool2dOp, x, {}, avgPool2dAttributes('avgPool2d', kernelSize, options));
}

/** The gradient of `avgPool2d`'s input for `gradOutput`, the gradient of its output. */
export function avgPool2dBackward(
  gradOutput: Tensor,
  x: Tensor,
  kernelSize: Size2d,
  options?: AvgPool2dOptions,
): Tensor {
  const attributes = avgPool2dAttributes('avgPool2dBackward', kernelSize, options);
  return backward(avgPool2dOp, gradOutput, x, {}, attributes).input;
}

/** x [N, C, H, W] to [N, C, OH, OW], torch.nn.functional.adaptive_avg_pool2d; null keeps a size. */
export function adaptiveAvgPool2d(x: Tensor, outputSize: AdaptiveSize2d): Tensor {
  return forward(avgPool2dOp, x, {}, adaptiveAttributes('adaptiveAvgPool2d', outputSize));
}

/** The gradient of `adaptiveAvgPool2d`'s input for `gradOutput`, the gradient of its output. */
export function adaptiveAvgPool2dBackward(gradOutput: Tensor, x: Tensor, outputSize: AdaptiveSize2d): Tensor {
  const attributes = adaptiveAttributes('adaptiveAvgPool2dBackward', outputSize);
  return backward(avgPool2dOp, gradOutput, x, {}, attributes).input;
}

/** Tensors one after another along their channels or features, torch.cat(tensors, dim=1). */
export function concat(tensors: readonly Tensor[]): Tensor {
  return forward(concatOp, several('concat', tensors), {}, {});
}

/** The gradients of `concat`'s tensors for `gradOutput`, the gradient of its output. */
export function concatBackward(gradOutput: Tensor, tensors: readonly Tensor[]): Tensor[] {
  return backward(concatOp, gradOutput, several('concatBackward', tensors), {}, {}).inputs;
}

function several(where: string, tensors: readonly Tensor[]): readonly Tensor[] {
  if (Array.isArray(tensors) && tensors.length > 0) return tensors;
  throw new OptionError(`[${where}] expected an array of tensors but got ${show(tensors)}`);
}

/** Options of `pad`. */
export interface PadOptions {
  /** What lies around the image; default `constant`. */
  mode?: PadMode;
  /** The constant; default 0. */
  value?: number;
}

/** x [N, C, H, W] with pixels around each image, torch.nn.functional.pad; negative paddings crop. */
export function pad(x: Tensor, padding: Padding2d, options?: PadOptions): Tensor {
  return forward(pad2dOp, x, {}, padAttributes('pad', padding, options));
}

/** The gradient of `pad`'s input for `gradOutput`, the gradient of its output. */
export function padBackward(gradOutput: Tensor, x: Tensor, padding: Padding2d, options?: PadOptions): Tensor {
  return backward(pad2dOp, gradOutput, x, {}, padAttributes('padBackward', padding, options)).input;
}

function padAttributes(where: string, padding: Padding2d, options: PadOptions | undefined): Pad2dAttributes {
  const { mode = 'constant', value = 0 } = checkOptions(where, options, ['mode', 'value']);
  if (!['constant', 'reflect', 'replicate'].includes(mode)) {
    throw new OptionError(
      `[${where}] mode must be 'constant', 'reflect' or 'replicate' but is ${show(mode)}`,
    );
  }
  return { padding: padding2d(where, padding), mode, value: finiteNumber(where, 'value', value) };
}

/** Gradients of `convTranspose2d`. */
export interface ConvTranspose2dGradients {
  /** Of x, in its shape. */
  readonly input: Tensor;
  /** [IC, OC/groups, KH, KW], summed over the batch. */
  readonly weight: Tensor;
  /** [OC], summed over the batch. */
  readonly bias: Tensor;
}

/**
 * x [N, IC, H, W], weight [IC, OC/groups, KH, KW], bias [OC] to [N, OC, OH, OW],
 * torch.nn.functional.conv_transpose2d.
 */
export function convTranspose2d(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor | null,
  options?: ConvTranspose2dFunctionOptions,
): Tensor {
  const attributes = transposedAttributes('convTranspose2d', weight, options);
  const wide = widened(attributes);
  const image = wide ? forward(pad2dOp, x, {}, wide.pad) : x;
  return forward(convTranspose2dOp, image, { weight, bias }, wide?.attributes ?? attributes);
}

/** The gradients of `convTranspose2d` for `gradOutput` [N, OC, OH, OW], the gradient of its output. */
export function convTranspose2dBackward(
  gradOutput: Tensor,
  x: Tensor,
  weight: Tensor,
  options?: ConvTranspose2dFunctionOptions,
): ConvTranspose2dGradients {
  const attributes = transposedAttributes('convTranspose2dBackward', weight, options);
  const bias = zeros([(weight.shape[1] ?? 1) * attributes.groups]);
  const wide = widened(attributes);
  const image = wide ? forward(pad2dOp, x, {}, wide.pad) : x;
  const exact = wide?.attributes ?? attributes;
  const { input, parameters } = backward(convTranspose2dOp, gradOutput, image, { weight, bias }, exact);
  return {
    input: wide ? backward(pad2dOp, input, x, {}, wide.pad).input : input,
    weight: parameters.weight!,
    bias: parameters.bias!,
  };
}

function transposedAttributes(
  where: string,
  weight: Tensor,
  options: ConvTranspose2dFunctionOptions | undefined,
) {
  const [KH = 1, KW = 1] = checkTensor(where, 'weight', weight).shape.slice(2);
  const checked = checkOptions(where, options, CONV_TRANSPOSE2D_OPTIONS);
  return convTranspose2dAttributes(where, [KH, KW], checked);
}
