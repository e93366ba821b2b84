import { type BatchNormAttributes, batchNorm as batchNormOp } from '../ops/batch_norm.js';
import { boolean, checkOptions } from '../options.js';
import { type BatchNormOptions, batchNormNumbers } from './batch_norm.js';
import { backward, checkTensor, forward, type Tensor, zeros } from './eager.js';

/** Options of `batchNorm`. */
export interface BatchNormFunctionOptions extends Omit<BatchNormOptions, 'affine'> {
  /** [C]; default ones. */
  weight?: Tensor | null;
  /** [C]; default zeros. */
  bias?: Tensor | null;
  /** Normalise by the batch's own mean and variance, and let the running ones follow; default false. */
  training?: boolean;
}

/** Gradients of `batchNorm`; those of weight and bias where these were given. */
export interface BatchNormGradients {
  /** Of x, in its shape. */
  readonly input: Tensor;
  /** [C] */
  readonly weight?: Tensor;
  /** [C] */
  readonly bias?: Tensor;
}

/**
 * x [N, C, H, W] or [N, C], running mean and variance [C], torch.nn.functional.batch_norm. In training it writes the
 * new running statistics into `runningMean.data` and `runningVar.data`, and needs two values a channel at least
 * (`ShapeError`).
 */
export function batchNorm(
  x: Tensor,
  runningMean: Tensor,
  runningVar: Tensor,
  options?: BatchNormFunctionOptions,
): Tensor {
  const { tensors, attributes } = prepare('batchNorm', x, runningMean, runningVar, options);
  return forward(batchNormOp, x, tensors, attributes, { training: attributes.training });
}

/** The gradients of `batchNorm` for `gradOutput`, the gradient of its output; the running statistics stay. */
export function batchNormBackward(
  gradOutput: Tensor,
  x: Tensor,
  runningMean: Tensor,
  runningVar: Tensor,
  options?: BatchNormFunctionOptions,
): BatchNormGradients {
  const { tensors, attributes } = prepare('batchNormBackward', x, runningMean, runningVar, options);
  const { input, parameters } = backward(batchNormOp, gradOutput, x, tensors, attributes);
  return { input, weight: parameters.weight, bias: parameters.bias };
}

function prepare(
  where: string,
  x: Tensor,
  runningMean: Tensor,
  runningVar: Tensor,
  options: BatchNormFunctionOptions | undefined,
) {
  const known = ['weight', 'bias', 'training', 'eps', 'momentum'] as const;
  const checked = checkOptions(where, options, known);
  const dimensions = checkTensor(where, 'x', x).shape.length === 2 ? 1 : 3;
  const attributes: BatchNormAttributes = {
    dimensions,
    training: boolean(where, 'training', checked.training ?? false),
    ...batchNormNumbers(where, checked),
  };
  const tensors = {
    weight: checked.weight,
    bias: checked.bias,
    running_mean: runningMean,
    running_var: runningVar,
    num_batches_tracked: zeros([1]),
  };
  return { tensors, attributes };
}
