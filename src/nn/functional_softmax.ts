import { softmax as softmaxOp } from '../ops/softmax.js';
import { dropout as dropoutOp } from '../ops/dropout.js';
import { boolean, checkOptions, numberBetween } from '../options.js';
import { defaultGenerator, type Generator } from '../random.js';
import { backward, features, forward, type Tensor } from './eager.js';
import { softmaxAttributes } from './softmax.js';

/** e^x / sum of e^x over dimension 1 of [N, C, H, W] or [N, C], torch.nn.functional.softmax. */
export function softmax(x: Tensor, dim = 1): Tensor {
  return forward(softmaxOp, x, {}, softmaxAttributes('softmax', dim, false));
}

/** The gradient of `softmax`'s input for `gradOutput`, the gradient of its output. */
export function softmaxBackward(gradOutput: Tensor, x: Tensor, dim = 1): Tensor {
  return backward(softmaxOp, gradOutput, x, {}, softmaxAttributes('softmaxBackward', dim, false)).input;
}

/** The logarithm of `softmax`, torch.nn.functional.log_softmax. */
export function logSoftmax(x: Tensor, dim = 1): Tensor {
  return forward(softmaxOp, x, {}, softmaxAttributes('logSoftmax', dim, true));
}

/** The gradient of `logSoftmax`'s input for `gradOutput`, the gradient of its output. */
export function logSoftmaxBackward(gradOutput: Tensor, x: Tensor, dim = 1): Tensor {
  return backward(softmaxOp, gradOutput, x, {}, softmaxAttributes('logSoftmaxBackward', dim, true)).input;
}

/** Options of `dropout` and `dropout2d`. */
export interface DropoutOptions {
  /** False gives x itself; default true, as in PyTorch. */
  training?: boolean;
  /** Where the mask comes from; default the generator that `manualSeed` seeds. */
  generator?: Generator;
}

/**
 * Values times 0, with probability `p`, or 1 / (1 - p), torch.nn.functional.dropout; of any shape with a batch. Its
 * gradient is the same function of the gradient of its output, with a generator in the same state.
 */
export function dropout(x: Tensor, p = 0.5, options?: DropoutOptions): Tensor {
  return { ...drop('dropout', features('dropout', x), p, false, options), shape: x.shape };
}

/** The same for whole channels of [N, C, H, W], torch.nn.functional.dropout2d. */
export function dropout2d(x: Tensor, p = 0.5, options?: DropoutOptions): Tensor {
  return drop('dropout2d', x, p, true, options);
}

function drop(where: string, x: Tensor, p: number, channels: boolean, options: DropoutOptions | undefined) {
  const { training = true, generator } = checkOptions(where, options, ['training', 'generator']);
  boolean(where, 'training', training);
  const attributes = { p: numberBetween(where, 'p', p, 0, 1), channels, training };
  return forward(dropoutOp, x, {}, attributes, { training, generator: generator ?? defaultGenerator() });
}
