import type { SymbolicTensor } from '../graph/graph.js';
import { softmax, type SoftmaxAttributes } from '../ops/softmax.js';
import { integerBetween } from '../options.js';
import { Module } from './module.js';

export function softmaxAttributes(where: string, dim: number, log: boolean): SoftmaxAttributes {
  return { dim: integerBetween(where, 'dim', dim, -3, 1), log };
}

/** What both have in common; not exported. */
abstract class AnySoftmax extends Module {
  readonly #attributes: SoftmaxAttributes;

  constructor(attributes: SoftmaxAttributes) {
    super();
    this.#attributes = attributes;
  }

  forward(x: SymbolicTensor): SymbolicTensor {
    return x.graph.apply(softmax, [x], {}, this.#attributes, this);
  }
}

/**
 * torch.nn.Softmax: e^x / sum of e^x over the channels of [C, H, W], at every pixel, or over all features. A model that
 * is trained with `CrossEntropyLoss` ends without it, and `predict` gives probabilities by itself.
 */
export class Softmax extends AnySoftmax {
  /**
   * Throws `OptionError` for a dimension that no tensor has; where it is applied `ShapeError` for another than that of
   * channels or features.
   * @param dim with the batch as dimension 0; -1 is the last. Default 1
   */
  constructor(dim = 1) {
    super(softmaxAttributes('Softmax', dim, false));
  }
}

/** torch.nn.LogSoftmax: the logarithm of `Softmax`, what `NLLLoss` takes. */
export class LogSoftmax extends AnySoftmax {
  /** As `Softmax`. */
  constructor(dim = 1) {
    super(softmaxAttributes('LogSoftmax', dim, true));
  }
}
