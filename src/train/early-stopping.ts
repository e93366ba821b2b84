import type { Module, StateDict } from '../nn/module.js';
import { checkMonitor, type Monitor, monitorFor, moreIsBetter } from '../optim/monitor.js';
import { boolean, checkOptions, nonNegativeNumber, positiveInteger } from '../options.js';
import type { EpochResult } from './fit-options.js';

/** When a training ends before its last epoch, and with which weights. */
export interface EarlyStopping {
  /** Epochs in a row without improvement after which it ends; default 5. */
  patience?: number;
  /** An improvement by less than this counts for nothing; default 0. */
  minDelta?: number;
  /** What is looked at; default the validation loss, or without validation the loss. Of accuracies more is better. */
  monitor?: Monitor;
  /**
   * Whether the model ends with the weights of the best epoch instead of the last, after the last epoch too; default
   * true.
   */
  restoreBest?: boolean;
}

/** The best epoch so far. */
export interface BestEpoch {
  /** From 1. */
  readonly epoch: number;
  /** What the monitored number was. */
  readonly value: number;
}

/** Throws `OptionError` for what cannot be used. */
export function checkEarlyStopping(
  options: EarlyStopping | undefined,
  validated: boolean,
): Required<EarlyStopping> | undefined {
  if (options === undefined) return undefined;
  const where = 'fit, earlyStopping';
  const known = ['patience', 'minDelta', 'monitor', 'restoreBest'] as const;
  const { patience = 5, minDelta = 0, monitor, restoreBest = true } = checkOptions(where, options, known);
  return {
    patience: positiveInteger(where, 'patience', patience),
    minDelta: nonNegativeNumber(where, 'minDelta', minDelta),
    monitor: monitorFor(where, monitor === undefined ? undefined : checkMonitor(where, monitor), validated),
    restoreBest: boolean(where, 'restoreBest', restoreBest),
  };
}

/** Follows the epochs of a training. */
export class BestSoFar {
  readonly #options: Required<EarlyStopping>;
  #best: BestEpoch | undefined;
  #since = 0;
  #weights: StateDict = new Map();

  constructor(options: Required<EarlyStopping>) {
    this.#options = options;
  }

  /** Takes an epoch's result; where it is the best, and they shall be restored, keeps the model's weights. */
  note(result: EpochResult, model?: Module): void {
    const { monitor, minDelta, restoreBest } = this.#options;
    const value = result[monitor] ?? Number.NaN;
    const best = this.#best?.value;
    const gain = best === undefined ? 1 : moreIsBetter(monitor) ? value - best : best - value;
    const better = !Number.isNaN(value) && (best === undefined || gain > minDelta);
    this.#since = better ? 0 : this.#since + 1;
    if (!better) return;
    this.#best = { epoch: result.epoch, value };
    if (restoreBest && model) this.#weights = model.stateDict();
  }

  /** Goes on from the epochs of a checkpoint, and the weights of the best of them. */
  resume(results: readonly EpochResult[], weights: StateDict): void {
    for (const result of results) this.note(result);
    this.#weights = weights;
  }

  /** Whether the training is to end. */
  get stop(): boolean {
    return this.#since >= this.#options.patience;
  }

  get best(): BestEpoch | undefined {
    return this.#best;
  }

  /** Those of the best epoch; empty where they are not to be restored. */
  get weights(): StateDict {
    return this.#weights;
  }
}
