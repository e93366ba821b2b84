import type { SymbolicTensor } from '../graph/graph.js';
import { dropout } from '../ops/dropout.js';
import { numberBetween } from '../options.js';
import { Module } from './module.js';

/** What both have in common; not exported. */
abstract class AnyDropout extends Module {
  /** Probability of a value, or a channel, to be dropped. */
  readonly p: number;
  readonly #channels: boolean;

  constructor(where: string, p: number, channels: boolean) {
    super();
    this.p = numberBetween(where, 'p', p, 0, 1);
    this.#channels = channels;
  }

  forward(x: SymbolicTensor): SymbolicTensor {
    const { p, training } = this;
    return x.graph.apply(dropout, [x], {}, { p, channels: this.#channels, training }, this);
  }
}

/**
 * torch.nn.Dropout: while the model learns, each value is 0 with probability `p` and 1 / (1 - p) times itself
 * otherwise. Nothing happens, and nothing runs, where a model is applied or in `eval()`. What is dropped follows from
 * the `seed` of `fit` or `Trainer`, and is the same on every backend and with any number of threads.
 */
export class Dropout extends AnyDropout {
  /**
   * Throws `OptionError` for a probability that is not from 0 to 1.
   * @param p default 0.5
   */
  constructor(p = 0.5) {
    super('Dropout', p, false);
  }
}

/** torch.nn.Dropout2d: the same for whole channels of [C, H, W]. */
export class Dropout2d extends AnyDropout {
  /**
   * Throws `OptionError` for a probability that is not from 0 to 1.
   * @param p default 0.5
   */
  constructor(p = 0.5) {
    super('Dropout2d', p, true);
  }
}
