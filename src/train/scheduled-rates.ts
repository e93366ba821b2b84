import type { Optimizer } from '../optim/optimizer.js';
import { type Monitor, monitorFor } from '../optim/monitor.js';
import type { Schedule } from '../optim/schedule.js';
import type { EpochResult } from './fit-options.js';

/** What a schedule starts from: the optimizer's and its groups' own, as they were when the training began. */
export interface BaseRates {
  readonly lrs: readonly (number | undefined)[];
  readonly momenta: readonly (number | undefined)[];
}

/** Sets an optimizer's learning rates (and momenta) before each step as a schedule says, if there is one. */
export class ScheduledRates {
  readonly base: BaseRates;
  readonly #schedule: Schedule | undefined;
  readonly #optimizer: Optimizer;
  readonly #epochs: number;
  readonly #batches: number;
  readonly #monitor: Monitor | undefined;

  /** Throws `OptionError` where the schedule monitors what there is not. */
  constructor(
    schedule: Schedule | undefined,
    optimizer: Optimizer,
    { epochs, batches, validated }: { epochs: number; batches: number; validated: boolean },
    base?: BaseRates,
  ) {
    this.#schedule = schedule;
    this.#optimizer = optimizer;
    this.#epochs = epochs;
    this.#batches = batches;
    this.#monitor =
      schedule && schedule.monitor !== null
        ? monitorFor('fit, schedule', schedule.monitor, validated)
        : undefined;
    optimizer.movesMomentum = schedule?.movesMomentum ?? false;
    this.base = base ?? { lrs: [...optimizer.lrs], momenta: [...optimizer.momenta] };
  }

  /** Before batch number `batch`, from 0, of an epoch, from 1. */
  apply(epoch: number, batch: number, results: readonly EpochResult[]): void {
    const schedule = this.#schedule;
    if (!schedule) return;
    const steps = schedule.interval === 'step';
    const moment = {
      count: steps ? (epoch - 1) * this.#batches + batch : epoch - 1,
      total: steps ? this.#epochs * this.#batches : this.#epochs,
      metrics: this.#monitor ? results.map((result) => result[this.#monitor!] ?? Number.NaN) : [],
    };
    this.#optimizer.lrs = this.base.lrs.map((lr) => (lr === undefined ? lr : schedule.lr(lr, moment)));
    const momentum = schedule.momentum(moment);
    if (momentum !== undefined) this.#optimizer.momenta = this.base.momenta.map(() => momentum);
  }

  /** Leaves the optimizer as it was, for the next training. */
  release(): void {
    if (!this.#schedule) return;
    this.#optimizer.movesMomentum = false;
    this.#optimizer.lrs = this.base.lrs;
    this.#optimizer.momenta = this.base.momenta;
  }
}
