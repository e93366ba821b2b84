import { checkOptions, nonNegativeNumber, positiveInteger } from '../options.js';
import { checkInterval, type Interval, type IntervalOptions, type Moment, Schedule } from './schedule.js';

/** What `new LinearLR(...)` may be told. */
export interface LinearLROptions extends IntervalOptions {
  /** What the rate is multiplied by at first; default 1/3. */
  startFactor?: number;
  /** What it is multiplied by in the end; default 1. */
  endFactor?: number;
  /** Epochs (or steps) from the first to the last; default 5. */
  totalIters?: number;
}

/** torch.optim.lr_scheduler.LinearLR: from a fraction of the rate to all of it, in a straight line. A warm-up. */
export class LinearLR extends Schedule {
  readonly interval: Interval;
  readonly #start: number;
  readonly #end: number;
  readonly #length: number;

  /** Throws `OptionError` for numbers that cannot be used. */
  constructor(options?: LinearLROptions) {
    super();
    const where = 'LinearLR';
    const known = ['startFactor', 'endFactor', 'totalIters', 'interval'] as const;
    const {
      startFactor = 1 / 3,
      endFactor = 1,
      totalIters = 5,
      interval = 'epoch',
    } = checkOptions(where, options, known);
    this.#start = nonNegativeNumber(where, 'startFactor', startFactor);
    this.#end = nonNegativeNumber(where, 'endFactor', endFactor);
    this.#length = positiveInteger(where, 'totalIters', totalIters);
    this.interval = checkInterval(where, interval);
  }

  lr(base: number, { count }: Moment): number {
    const done = Math.min(count, this.#length) / this.#length;
    return base * (this.#start + (this.#end - this.#start) * done);
  }

  /** What makes another one like it. */
  get options(): Required<LinearLROptions> {
    return {
      startFactor: this.#start,
      endFactor: this.#end,
      totalIters: this.#length,
      interval: this.interval,
    };
  }
}

/** What `new ConstantLR(...)` may be told. */
export interface ConstantLROptions extends IntervalOptions {
  /** What the rate is multiplied by at first; default 1/3. */
  factor?: number;
  /** Epochs (or steps) for which it is; default 5. */
  totalIters?: number;
}

/** torch.optim.lr_scheduler.ConstantLR: a fraction of the rate at first, then all of it. */
export class ConstantLR extends Schedule {
  readonly interval: Interval;
  readonly #factor: number;
  readonly #length: number;

  /** Throws `OptionError` for numbers that cannot be used. */
  constructor(options?: ConstantLROptions) {
    super();
    const where = 'ConstantLR';
    const known = ['factor', 'totalIters', 'interval'] as const;
    const { factor = 1 / 3, totalIters = 5, interval = 'epoch' } = checkOptions(where, options, known);
    this.#factor = nonNegativeNumber(where, 'factor', factor);
    this.#length = positiveInteger(where, 'totalIters', totalIters);
    this.interval = checkInterval(where, interval);
  }

  lr(base: number, { count }: Moment): number {
    return count < this.#length ? base * this.#factor : base;
  }

  /** What makes another one like it. */
  get options(): Required<ConstantLROptions> {
    return { factor: this.#factor, totalIters: this.#length, interval: this.interval };
  }
}

/** What `new CosineAnnealingLR(...)` may be told. */
export interface CosineAnnealingLROptions extends IntervalOptions {
  /** Epochs (or steps) to the lowest rate; default all that there are. */
  tMax?: number;
  /** The lowest rate; default 0. */
  etaMin?: number;
}

/** torch.optim.lr_scheduler.CosineAnnealingLR: down along half a cosine; beyond `tMax` up again. */
export class CosineAnnealingLR extends Schedule {
  readonly interval: Interval;
  readonly #tMax: number | undefined;
  readonly #etaMin: number;

  /** Throws `OptionError` for numbers that cannot be used. */
  constructor(options?: CosineAnnealingLROptions) {
    super();
    const where = 'CosineAnnealingLR';
    const known = ['tMax', 'etaMin', 'interval'] as const;
    const { tMax, etaMin = 0, interval = 'epoch' } = checkOptions(where, options, known);
    this.#tMax = tMax === undefined ? undefined : positiveInteger(where, 'tMax', tMax);
    this.#etaMin = nonNegativeNumber(where, 'etaMin', etaMin);
    this.interval = checkInterval(where, interval);
  }

  lr(base: number, { count, total }: Moment): number {
    const done = count / (this.#tMax ?? Math.max(1, total));
    return this.#etaMin + ((base - this.#etaMin) * (1 + Math.cos(Math.PI * done))) / 2;
  }

  /** What makes another one like it. */
  get options(): CosineAnnealingLROptions {
    return { tMax: this.#tMax, etaMin: this.#etaMin, interval: this.interval };
  }
}
