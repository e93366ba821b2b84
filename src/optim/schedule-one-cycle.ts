import { OptionError } from '../errors.js';
import { boolean, checkOptions, nonNegativeNumber, oneOf, positiveInteger, show } from '../options.js';
import { type Interval, type Moment, Schedule } from './schedule.js';

/** What `new OneCycleLR(...)` takes. */
export interface OneCycleLROptions {
  /** The highest rate, of all parameters; that of the optimizer does not matter. */
  maxLr: number;
  /** Steps from the first to the last; default all that the training has. */
  totalSteps?: number;
  /** Fraction of the steps in which the rate goes up; default 0.3. */
  pctStart?: number;
  /** Along half a cosine or a straight line; default `cos`. */
  annealStrategy?: 'cos' | 'linear';
  /** Moves the momentum (Adam's first beta) the other way; default true. */
  cycleMomentum?: boolean;
  /** The lowest momentum; default 0.85. */
  baseMomentum?: number;
  /** The highest momentum, at both ends; default 0.95. */
  maxMomentum?: number;
  /** The first rate is `maxLr` divided by this; default 25. */
  divFactor?: number;
  /** The last rate is the first one divided by this; default 10,000. */
  finalDivFactor?: number;
  /** Down to the first rate as fast as up from it, and only then to the last; default false. */
  threePhase?: boolean;
}

const KNOWN = [
  'maxLr',
  'totalSteps',
  'pctStart',
  'annealStrategy',
  'cycleMomentum',
  'baseMomentum',
  'maxMomentum',
  'divFactor',
  'finalDivFactor',
  'threePhase',
] as const;

interface Phase {
  readonly end: number;
  /** From, to. */
  readonly lr: readonly [number, number];
  readonly momentum: readonly [number, number];
}

/** torch.optim.lr_scheduler.OneCycleLR: up to a high rate and down to almost none, once in a training; counts steps. */
export class OneCycleLR extends Schedule {
  readonly interval: Interval = 'step';
  readonly #options: Required<Omit<OneCycleLROptions, 'totalSteps'>> & Pick<OneCycleLROptions, 'totalSteps'>;

  /** Throws `OptionError` for numbers that cannot be used. */
  constructor(options: OneCycleLROptions) {
    super();
    const where = 'OneCycleLR';
    const all = {
      pctStart: 0.3,
      annealStrategy: 'cos' as const,
      cycleMomentum: true,
      baseMomentum: 0.85,
      maxMomentum: 0.95,
      divFactor: 25,
      finalDivFactor: 1e4,
      threePhase: false,
      ...checkOptions(where, options, KNOWN),
    };
    nonNegativeNumber(where, 'maxLr', all.maxLr);
    if (all.totalSteps !== undefined) positiveInteger(where, 'totalSteps', all.totalSteps);
    oneOf(where, 'annealStrategy', all.annealStrategy, ['cos', 'linear']);
    boolean(where, 'cycleMomentum', all.cycleMomentum);
    boolean(where, 'threePhase', all.threePhase);
    for (const name of ['pctStart', 'baseMomentum', 'maxMomentum', 'divFactor', 'finalDivFactor'] as const) {
      nonNegativeNumber(where, name, all[name]);
    }
    if (all.pctStart > 1) {
      throw new OptionError(`[${where}] pctStart must be a fraction but is ${show(all.pctStart)}`);
    }
    this.#options = all;
  }

  lr(_base: number, moment: Moment): number {
    return this.#at(moment, ({ lr }) => lr);
  }

  override get movesMomentum(): boolean {
    return this.#options.cycleMomentum;
  }

  override momentum(moment: Moment): number | undefined {
    return this.#options.cycleMomentum ? this.#at(moment, ({ momentum }) => momentum) : undefined;
  }

  /** What makes another one like it. */
  get options(): OneCycleLROptions {
    return this.#options;
  }

  #at({ count, total }: Moment, of: (phase: Phase) => readonly [number, number]): number {
    const steps = this.#options.totalSteps ?? total;
    const step = Math.min(count, steps - 1);
    const phases = this.#phases(steps);
    let start = 0;
    for (const phase of phases) {
      if (step <= phase.end || phase === phases.at(-1)) {
        const [from, to] = of(phase);
        const done = phase.end > start ? (step - start) / (phase.end - start) : 1;
        if (this.#options.annealStrategy === 'linear') return (to - from) * done + from;
        return to + ((from - to) / 2) * (Math.cos(Math.PI * done) + 1);
      }
      start = phase.end;
    }
    throw new OptionError('[OneCycleLR] a training has at least one step');
  }

  #phases(steps: number): readonly Phase[] {
    const { maxLr, pctStart, baseMomentum, maxMomentum, divFactor, finalDivFactor, threePhase } =
      this.#options;
    const first = maxLr / divFactor;
    const last = first / finalDivFactor;
    const up: Phase = {
      end: pctStart * steps - 1,
      lr: [first, maxLr],
      momentum: [maxMomentum, baseMomentum],
    };
    const momentum = [baseMomentum, maxMomentum] as const;
    if (!threePhase) return [up, { end: steps - 1, lr: [maxLr, last], momentum }];
    return [
      up,
      { end: 2 * pctStart * steps - 2, lr: [maxLr, first], momentum },
      { end: steps - 1, lr: [first, last], momentum: [maxMomentum, maxMomentum] },
    ];
  }
}
