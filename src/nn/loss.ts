import { crossEntropy, type LossOp } from '../ops/cross_entropy.js';
import { checkOptions } from '../options.js';

/** What a model is trained to make small. */
export interface Loss {
  readonly op: LossOp;
}

/**
 * torch.nn.CrossEntropyLoss on integer labels: the mean over the batch of -log softmax(scores)[label]. The model
 * ends in one score a class, without softmax.
 */
export class CrossEntropyLoss implements Loss {
  readonly op: LossOp = crossEntropy;

  constructor(options?: Record<never, never>) {
    checkOptions('CrossEntropyLoss', options, []);
  }
}
