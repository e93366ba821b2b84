import { OptionError } from '../errors.js';
import { checkOptions, finiteNumber, nonNegativeNumber, oneOf, positiveInteger, show } from '../options.js';
import type { Monitor } from './monitor.js';

/** What a schedule counts: epochs, or steps. */
export type Interval = 'epoch' | 'step';

/** Where a training is. */
export interface Moment {
  /** Epochs or steps, as the schedule counts, that are over. */
  readonly count: number;
  /** Of these, how many the training has in all. */
  readonly total: number;
  /** What the schedule monitors, at the end of each epoch that is over. */
  readonly metrics: readonly number[];
}

/**
 * How the learning rate changes in a training: `fit(model, train, { schedule: new StepLR({ stepSize: 3 }), ... })`. A
 * schedule is pure: the rate depends on where the training is and on nothing else, so it goes to a worker and through
 * a checkpoint. The numbers are PyTorch's.
 */
export abstract class Schedule {
  /** What it counts. */
  abstract readonly interval: Interval;
  /** What it wants to know of each epoch; undefined where the default would do, null where it wants nothing. */
  readonly monitor: Monitor | undefined | null = null;

  /** The learning rate at `moment` of parameters whose own, the optimizer's or a group's, is `base`. */
  abstract lr(base: number, moment: Moment): number;

  /** Whether it ever changes the momentum. */
  get movesMomentum(): boolean {
    return false;
  }

  /** The momentum (Adam's first beta) at `moment`; undefined where it is left alone. */
  momentum(_moment: Moment): number | undefined {
    return undefined;
  }

  /** What makes another one like it. */
  abstract get options(): object;
}

/** What schedules that count either have in common. */
export interface IntervalOptions {
  /** Whether it counts epochs or steps; default `epoch`. */
  interval?: Interval;
}

export function checkInterval(where: string, interval: unknown): Interval {
  return oneOf(where, 'interval', interval, ['epoch', 'step']);
}

/** What `new StepLR(...)` takes. */
export interface StepLROptions extends IntervalOptions {
  /** Epochs (or steps) between two changes. */
  stepSize: number;
  /** What the rate is multiplied by; default 0.1. */
  gamma?: number;
}

/** torch.optim.lr_scheduler.StepLR: times `gamma` every `stepSize` epochs. */
export class StepLR extends Schedule {
  readonly interval: Interval;
  readonly #stepSize: number;
  readonly #gamma: number;

  /** Throws `OptionError` for numbers that cannot be used. */
  constructor(options: StepLROptions) {
    super();
    const where = 'StepLR';
    const {
      stepSize,
      gamma = 0.1,
      interval = 'epoch',
    } = checkOptions(where, options, ['stepSize', 'gamma', 'interval']);
    this.#stepSize = positiveInteger(where, 'stepSize', stepSize);
    this.#gamma = finiteNumber(where, 'gamma', gamma);
    this.interval = checkInterval(where, interval);
  }

  lr(base: number, { count }: Moment): number {
    return base * this.#gamma ** Math.floor(count / this.#stepSize);
  }

  /** What makes another one like it. */
  get options(): Required<StepLROptions> {
    return { stepSize: this.#stepSize, gamma: this.#gamma, interval: this.interval };
  }
}

/** What `new MultiStepLR(...)` takes. */
export interface MultiStepLROptions extends IntervalOptions {
  /** After how many epochs (or steps) it changes, in increasing order. */
  milestones: readonly number[];
  /** What the rate is multiplied by; default 0.1. */
  gamma?: number;
}

/** torch.optim.lr_scheduler.MultiStepLR: times `gamma` at each milestone. */
export class MultiStepLR extends Schedule {
  readonly interval: Interval;
  readonly #milestones: readonly number[];
  readonly #gamma: number;

  /** Throws `OptionError` for numbers that cannot be used. */
  constructor(options: MultiStepLROptions) {
    super();
    const where = 'MultiStepLR';
    const known = ['milestones', 'gamma', 'interval'] as const;
    const { milestones, gamma = 0.1, interval = 'epoch' } = checkOptions(where, options, known);
    this.#milestones = checkMilestones(where, milestones);
    this.#gamma = finiteNumber(where, 'gamma', gamma);
    this.interval = checkInterval(where, interval);
  }

  lr(base: number, { count }: Moment): number {
    return base * this.#gamma ** this.#milestones.filter((milestone) => milestone <= count).length;
  }

  /** What makes another one like it. */
  get options(): Required<MultiStepLROptions> {
    return { milestones: this.#milestones, gamma: this.#gamma, interval: this.interval };
  }
}

/** Checks that they are whole numbers in increasing order; equal ones count twice, as in PyTorch. */
export function checkMilestones(where: string, milestones: unknown): readonly number[] {
  const whole = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
  const sorted = (values: readonly number[]) =>
    values.every((value, at) => at === 0 || values[at - 1]! <= value);
  if (!Array.isArray(milestones) || !milestones.every(whole) || !sorted(milestones as number[])) {
    throw new OptionError(
      `[${where}] milestones must be whole numbers in increasing order but is ${show(milestones)}`,
    );
  }
  return Object.freeze([...(milestones as number[])]);
}

/** What `new ExponentialLR(...)` takes. */
export interface ExponentialLROptions extends IntervalOptions {
  /** What the rate is multiplied by. */
  gamma: number;
}

/** torch.optim.lr_scheduler.ExponentialLR: times `gamma` every epoch. */
export class ExponentialLR extends Schedule {
  readonly interval: Interval;
  readonly #gamma: number;

  /** Throws `OptionError` for numbers that cannot be used. */
  constructor(options: ExponentialLROptions) {
    super();
    const where = 'ExponentialLR';
    const { gamma, interval = 'epoch' } = checkOptions(where, options, ['gamma', 'interval']);
    this.#gamma = nonNegativeNumber(where, 'gamma', gamma);
    this.interval = checkInterval(where, interval);
  }

  lr(base: number, { count }: Moment): number {
    return base * this.#gamma ** count;
  }

  /** What makes another one like it. */
  get options(): Required<ExponentialLROptions> {
    return { gamma: this.#gamma, interval: this.interval };
  }
}
