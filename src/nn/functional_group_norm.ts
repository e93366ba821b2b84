import { type GroupNormAttributes, groupNorm as groupNormOp } from '../ops/group_norm.js';
import { checkOptions, positiveInteger } from '../options.js';
import { backward, forward, type Tensor } from './eager.js';
import { epsOf, normalizedShapeOf } from './group_norm.js';

/** Options of `groupNorm`, `layerNorm` and `instanceNorm`. */
export interface ImageNormFunctionOptions {
  /** [C], or a layer normalisation's normalised shape; default ones. */
  weight?: Tensor | null;
  /** Of the same shape; default zeros. */
  bias?: Tensor | null;
  /** Added to the variance, so that nothing is divided by zero; default 1e-5. */
  eps?: number;
}

/** Gradients of these; those of weight and bias where they were given. */
export interface ImageNormGradients {
  /** Of x, in its shape. */
  readonly input: Tensor;
  /** Of the weight's shape. */
  readonly weight?: Tensor;
  /** Of the bias's shape. */
  readonly bias?: Tensor;
}

/** x [N, C, H, W] or [N, C], its channels normalised in `numGroups` groups, torch.nn.functional.group_norm. */
export function groupNorm(x: Tensor, numGroups: number, options?: ImageNormFunctionOptions): Tensor {
  return apply('groupNorm', x, { groups: positiveInteger('groupNorm', 'numGroups', numGroups) }, options);
}

/** The gradients of `groupNorm` for `gradOutput`, the gradient of its output. */
export function groupNormBackward(
  gradOutput: Tensor,
  x: Tensor,
  numGroups: number,
  options?: ImageNormFunctionOptions,
): ImageNormGradients {
  const where = 'groupNormBackward';
  return gradients(where, gradOutput, x, { groups: positiveInteger(where, 'numGroups', numGroups) }, options);
}

/** x [N, C, H, W] or [N, features], each image normalised as a whole, torch.nn.functional.layer_norm. */
export function layerNorm(
  x: Tensor,
  normalizedShape: number | readonly number[],
  options?: ImageNormFunctionOptions,
): Tensor {
  return apply('layerNorm', x, { normalizedShape: normalizedShapeOf('layerNorm', normalizedShape) }, options);
}

/** The gradients of `layerNorm` for `gradOutput`, the gradient of its output. */
export function layerNormBackward(
  gradOutput: Tensor,
  x: Tensor,
  normalizedShape: number | readonly number[],
  options?: ImageNormFunctionOptions,
): ImageNormGradients {
  const where = 'layerNormBackward';
  const shape = normalizedShapeOf(where, normalizedShape);
  return gradients(where, gradOutput, x, { normalizedShape: shape }, options);
}

/** x [N, C, H, W], every channel of every image normalised by itself, torch.nn.functional.instance_norm. */
export function instanceNorm(x: Tensor, options?: ImageNormFunctionOptions): Tensor {
  return apply('instanceNorm', x, { groups: null }, options);
}

/** The gradients of `instanceNorm` for `gradOutput`, the gradient of its output. */
export function instanceNormBackward(
  gradOutput: Tensor,
  x: Tensor,
  options?: ImageNormFunctionOptions,
): ImageNormGradients {
  return gradients('instanceNormBackward', gradOutput, x, { groups: null }, options);
}

type Parts = { groups: number | null } | { normalizedShape: readonly number[] };

function apply(
  where: string,
  x: Tensor,
  parts: Parts,
  options: ImageNormFunctionOptions | undefined,
): Tensor {
  const { tensors, attributes } = prepare(where, parts, options);
  return forward(groupNormOp, x, tensors, attributes);
}

function gradients(
  where: string,
  gradOutput: Tensor,
  x: Tensor,
  parts: Parts,
  options: ImageNormFunctionOptions | undefined,
): ImageNormGradients {
  const { tensors, attributes } = prepare(where, parts, options);
  const { input, parameters } = backward(groupNormOp, gradOutput, x, tensors, attributes);
  return { input, weight: parameters.weight, bias: parameters.bias };
}

function prepare(where: string, parts: Parts, options: ImageNormFunctionOptions | undefined) {
  const { weight, bias, eps } = checkOptions(where, options, ['weight', 'bias', 'eps']);
  const attributes: GroupNormAttributes = { ...parts, eps: epsOf(where, eps) };
  return { tensors: { weight, bias }, attributes };
}
