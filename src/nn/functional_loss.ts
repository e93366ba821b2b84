import type { LossOp } from '../ops/loss.js';
import { checkTensor, features, lossProgram, type LossResult, type Tensor } from './eager.js';
import {
  BCEWithLogitsLoss,
  type BCEWithLogitsLossOptions,
  CrossEntropyLoss,
  type CrossEntropyLossOptions,
  type Loss,
  type LossOptions,
  MSELoss,
  NLLLoss,
  type NLLLossOptions,
} from './loss.js';

export type { LossResult } from './eager.js';

/** What a loss of labels came to. */
export interface CrossEntropyResult extends LossResult {
  /** Images whose highest score is at their label. */
  readonly correct: number;
}

/**
 * Loss, hits and gradient of scores [N, classes] for N labels, torch.nn.functional.cross_entropy. Throws `LabelError`
 * for a label outside 0..classes-1 that is not `ignoreIndex`.
 */
export function crossEntropy(
  scores: Tensor,
  labels: ArrayLike<number>,
  options?: CrossEntropyLossOptions,
): CrossEntropyResult {
  return lossProgram('crossEntropy', new CrossEntropyLoss(options), scores, labels);
}

/** The same of logarithms of probabilities [N, classes], torch.nn.functional.nll_loss. */
export function nllLoss(
  logProbabilities: Tensor,
  labels: ArrayLike<number>,
  options?: NLLLossOptions,
): CrossEntropyResult {
  return lossProgram('nllLoss', new NLLLoss(options), logProbabilities, labels);
}

/** Loss and gradient of `output` for a target of its shape, torch.nn.functional.mse_loss; of any shape with a batch. */
export function mseLoss(output: Tensor, target: Tensor, options?: LossOptions): LossResult {
  return ofValues('mseLoss', new MSELoss(options), output, target);
}

/**
 * Loss and gradient of scores for targets, 0 to 1, of their shape,
 * torch.nn.functional.binary_cross_entropy_with_logits; of any shape with a batch.
 */
export function binaryCrossEntropyWithLogits(
  scores: Tensor,
  target: Tensor,
  options?: BCEWithLogitsLossOptions,
): LossResult {
  return ofValues('binaryCrossEntropyWithLogits', new BCEWithLogitsLoss(options), scores, target);
}

function ofValues(where: string, loss: Loss & { readonly op: LossOp }, output: Tensor, target: Tensor) {
  const { data } = checkTensor(where, 'target', target);
  const seen = [2, 4].includes(output?.shape?.length) ? output : features(where, output);
  const { loss: value, losses, gradInput } = lossProgram(where, loss, seen, data);
  return { loss: value, losses, gradInput: { ...gradInput, shape: output.shape } };
}
