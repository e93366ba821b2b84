import { OptionError } from '../errors.js';
import { checkOptions, show } from '../options.js';
import { checkMilestones, type Interval, type Moment, Schedule } from './schedule.js';

/** What `new SequentialLR(...)` takes. */
export interface SequentialLROptions {
  /** One after the other; all count epochs, or all count steps. */
  schedules: readonly Schedule[];
  /** After how many epochs or steps, from the start, each but the first begins. */
  milestones: readonly number[];
}

/**
 * torch.optim.lr_scheduler.SequentialLR: schedules one after the other, each from its own start. A warm-up, say:
 *
 *     new SequentialLR({ schedules: [new LinearLR(), new CosineAnnealingLR()], milestones: [5] })
 */
export class SequentialLR extends Schedule {
  readonly interval: Interval;
  /** One after the other. */
  readonly schedules: readonly Schedule[];
  /** Where each but the first begins. */
  readonly milestones: readonly number[];

  /** Throws `OptionError` where their numbers do not fit, where they count differently, or where one needs metrics. */
  constructor(options: SequentialLROptions) {
    super();
    const where = 'SequentialLR';
    const { schedules, milestones } = checkOptions(where, options, ['schedules', 'milestones']);
    if (!Array.isArray(schedules) || !schedules.every((one) => one instanceof Schedule) || !schedules[0]) {
      throw new OptionError(`[${where}] schedules must be a list of schedules but is ${show(schedules)}`);
    }
    this.schedules = Object.freeze([...(schedules as Schedule[])]);
    this.milestones = checkMilestones(where, milestones);
    if (this.milestones.length !== this.schedules.length - 1) {
      throw new OptionError(
        `[${where}] ${this.schedules.length} schedules need ${this.schedules.length - 1} milestones but there are ` +
          `${this.milestones.length}`,
      );
    }
    this.interval = schedules[0].interval;
    if (this.schedules.some(({ interval, monitor }) => interval !== this.interval || monitor !== null)) {
      throw new OptionError(
        `[${where}] schedules must all count epochs or all count steps, and look at no metric: ` +
          this.schedules.map((one) => `${one.constructor.name} (${one.interval})`).join(', '),
      );
    }
  }

  lr(base: number, moment: Moment): number {
    const [schedule, own] = this.#at(moment);
    return schedule.lr(base, own);
  }

  override get movesMomentum(): boolean {
    return this.schedules.some((schedule) => schedule.movesMomentum);
  }

  override momentum(moment: Moment): number | undefined {
    const [schedule, own] = this.#at(moment);
    return schedule.momentum(own);
  }

  /** What makes another one like it. */
  get options(): Required<SequentialLROptions> {
    return { schedules: this.schedules, milestones: this.milestones };
  }

  /** The schedule that has its turn, and how far it is. */
  #at({ count, total, metrics }: Moment): [Schedule, Moment] {
    const index = this.milestones.filter((milestone) => milestone <= count).length;
    const start = this.milestones[index - 1] ?? 0;
    const end = this.milestones[index] ?? total;
    return [this.schedules[index]!, { count: count - start, total: end - start, metrics }];
  }
}
