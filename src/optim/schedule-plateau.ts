import { OptionError } from '../errors.js';
import { checkOptions, nonNegativeInteger, nonNegativeNumber, oneOf, show } from '../options.js';
import { checkMonitor, type Monitor, moreIsBetter } from './monitor.js';
import { type Interval, type Moment, Schedule } from './schedule.js';

/** What `new ReduceLROnPlateau(...)` may be told. */
export interface ReduceLROnPlateauOptions {
  /** What is looked at after each epoch; default the validation loss, or without validation the loss. */
  monitor?: Monitor;
  /** Whether less of it is better, or more; default what goes with `monitor`: `max` for accuracies. */
  mode?: 'min' | 'max';
  /** What the rate is multiplied by, less than 1; default 0.1. */
  factor?: number;
  /** Epochs without improvement that are let pass; default 10. */
  patience?: number;
  /** By how much it has to be better to count as an improvement; default 0.0001. */
  threshold?: number;
  /** Whether `threshold` is a fraction of the best so far or a difference from it; default `rel`. */
  thresholdMode?: 'rel' | 'abs';
  /** Epochs after a reduction in which nothing is counted; default 0. */
  cooldown?: number;
  /** The lowest rate; default 0. */
  minLr?: number;
  /** A reduction by less than this is left out; default 1e-8. */
  eps?: number;
}

const KNOWN = [
  'monitor',
  'mode',
  'factor',
  'patience',
  'threshold',
  'thresholdMode',
  'cooldown',
  'minLr',
  'eps',
] as const;

/** torch.optim.lr_scheduler.ReduceLROnPlateau: reduces the rate where an epoch's number has stopped improving. */
export class ReduceLROnPlateau extends Schedule {
  readonly interval: Interval = 'epoch';
  override readonly monitor: Monitor | undefined;
  readonly #options: Required<Omit<ReduceLROnPlateauOptions, 'monitor'>>;

  /** Throws `OptionError` for numbers that cannot be used. */
  constructor(options?: ReduceLROnPlateauOptions) {
    super();
    const where = 'ReduceLROnPlateau';
    const { monitor, ...own } = checkOptions(where, options, KNOWN);
    this.monitor = monitor === undefined ? undefined : checkMonitor(where, monitor);
    const all = {
      mode: monitor !== undefined && moreIsBetter(monitor) ? ('max' as const) : ('min' as const),
      factor: 0.1,
      patience: 10,
      threshold: 1e-4,
      thresholdMode: 'rel' as const,
      cooldown: 0,
      minLr: 0,
      eps: 1e-8,
      ...own,
    };
    oneOf(where, 'mode', all.mode, ['min', 'max']);
    oneOf(where, 'thresholdMode', all.thresholdMode, ['rel', 'abs']);
    nonNegativeInteger(where, 'patience', all.patience);
    nonNegativeInteger(where, 'cooldown', all.cooldown);
    for (const name of ['factor', 'threshold', 'minLr', 'eps'] as const) {
      nonNegativeNumber(where, name, all[name]);
    }
    if (all.factor >= 1) {
      throw new OptionError(`[${where}] factor must be less than 1 but is ${show(all.factor)}`);
    }
    this.#options = all;
  }

  lr(base: number, { metrics }: Moment): number {
    const { factor, minLr, eps } = this.#options;
    let lr = base;
    for (let left = this.#reductions(metrics); left > 0; left--) {
      const reduced = Math.max(lr * factor, minLr);
      if (lr - reduced > eps) lr = reduced;
    }
    return lr;
  }

  /** What makes another one like it. */
  get options(): ReduceLROnPlateauOptions {
    return { ...this.#options, ...(this.monitor && { monitor: this.monitor }) };
  }

  /** How often the rate was reduced in epochs that ended with these numbers. */
  #reductions(metrics: readonly number[]): number {
    const { mode, patience, cooldown } = this.#options;
    let best = mode === 'min' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
    let [bad, cooling, reductions] = [0, 0, 0];
    for (const metric of metrics) {
      const better = this.#isBetter(metric, best);
      if (better) best = metric;
      bad = better || cooling > 0 ? 0 : bad + 1;
      cooling = Math.max(0, cooling - 1);
      if (bad <= patience) continue;
      reductions++;
      bad = 0;
      cooling = cooldown;
    }
    return reductions;
  }

  #isBetter(metric: number, best: number): boolean {
    const { mode, threshold, thresholdMode } = this.#options;
    const sign = mode === 'min' ? -1 : 1;
    const bar = thresholdMode === 'rel' ? best * (1 + sign * threshold) : best + sign * threshold;
    return mode === 'min' ? metric < bar : metric > bar;
  }
}
