import type { Loss } from '../graph/lower.js';
import { crossEntropy, type LossOp, type Reduction } from '../ops/cross_entropy.js';
import { checkOptions, oneOf } from '../options.js';

export type { Loss, Reduction };

/** What `new CrossEntropyLoss(...)` may be told. */
export interface CrossEntropyLossOptions {
  /** What becomes of the images' losses; default `mean`. */
  reduction?: Reduction;
}

/**
 * torch.nn.CrossEntropyLoss on integer labels: -log softmax(scores)[label], averaged or summed over the batch. The
 * model ends in one score a class, without softmax.
 */
export class CrossEntropyLoss implements Loss {
  /** @internal */
  readonly op: LossOp = crossEntropy;
  /** `mean` or `sum` over the batch. */
  readonly reduction: Reduction;

  /** Throws `OptionError` for another reduction and unknown options. */
  constructor(options?: CrossEntropyLossOptions) {
    const { reduction = 'mean' } = checkOptions('CrossEntropyLoss', options, ['reduction']);
    this.reduction = oneOf('CrossEntropyLoss', 'reduction', reduction, ['mean', 'sum']);
  }
  /** What makes another one like it: `new CrossEntropyLoss(loss.options)`. */
  get options(): Required<CrossEntropyLossOptions> {
    return { reduction: this.reduction };
  }
}
