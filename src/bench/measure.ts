/** Something that is timed: runs for about `seconds` and tells the seconds that each run took. */
export type Sampler = (seconds: number) => readonly number[] | Promise<readonly number[]>;

/** What became of a sampler's rounds. */
export interface Timing {
  /** Seconds a run: the quietest round's, by its best or its median run as the effort says. */
  readonly seconds: number;
  /** The fastest run of all. */
  readonly best: number;
  /**
   * How well the rounds agree: how far the third-quietest round lies above the quietest, 0.02 being 2 %. Undefined
   * where there were fewer than three.
   */
  readonly spread?: number;
  readonly rounds: number;
  readonly runs: number;
}

/** How long and how often to measure. */
export interface Effort {
  /** A sampler's share of a round. */
  readonly seconds: number;
  /** Rounds at least. */
  readonly rounds: number;
  /** Rounds at most: what still spreads then is reported as it is. */
  readonly maxRounds: number;
  /** Seconds after which a slow sampler sits out the rest of the rounds. */
  readonly patience: number;
  /** What of a round counts. A kernel is only ever slowed, so its best run; the median where more goes on. */
  readonly statistic: 'best' | 'median';
}

/** Rounds that agree within this are taken for the truth, and what spreads more is flagged. */
export const TOLERANCE = 0.05;
/** A figure that spreads more than this says nothing. */
export const HOPELESS = 0.3;

const now = () => performance.now() / 1000;

/**
 * Measures samplers in turn, round after round, so that whatever slows the machine for a while slows them all. Goes on
 * beyond `rounds` while a sampler's three quietest rounds disagree. A round before the first warms up.
 */
export async function interleave(samplers: readonly Sampler[], effort: Effort): Promise<Timing[]> {
  const { seconds, rounds, maxRounds, patience, statistic } = effort;
  const records = samplers.map((sampler) => new Measured(sampler, statistic));
  for (const record of records) await record.warmUp(seconds);
  for (let round = 0; round < maxRounds; round++) {
    const waiting = records.filter(({ spent, rounds: own }) => own === 0 || spent < patience);
    if (round >= rounds && waiting.every(({ spread = 0 }) => spread <= TOLERANCE)) break;
    for (const record of waiting) await record.measure(seconds);
  }
  return records.map((record) => record.timing());
}

/** What is known of one sampler. */
class Measured {
  /** Seconds that its rounds took. */
  spent = 0;
  readonly #sampler: Sampler;
  readonly #statistic: Effort['statistic'];
  /** What counts of each round. */
  readonly #rounds: number[] = [];
  #best = Number.POSITIVE_INFINITY;
  #runs = 0;

  constructor(sampler: Sampler, statistic: Effort['statistic']) {
    this.#sampler = sampler;
    this.#statistic = statistic;
  }

  get rounds(): number {
    return this.#rounds.length;
  }

  get spread(): number | undefined {
    return timingOf(this.#rounds).spread;
  }

  async warmUp(seconds: number): Promise<void> {
    await this.#sampler(seconds);
  }

  async measure(seconds: number): Promise<void> {
    const start = now();
    const runs = await this.#sampler(seconds);
    this.spent += now() - start;
    const best = runs.reduce((a, b) => Math.min(a, b));
    this.#best = Math.min(this.#best, best);
    this.#runs += runs.length;
    this.#rounds.push(this.#statistic === 'best' ? best : quantile(runs, 0.5));
  }

  timing(): Timing {
    return { ...timingOf(this.#rounds), best: this.#best, runs: this.#runs };
  }
}

/** The timing of rounds that were of one run each, or of which one figure counts. */
export function timingOf(rounds: readonly number[]): Timing {
  const [quietest = Number.NaN, , third] = [...rounds].sort((a, b) => a - b);
  const spread = third && third / quietest - 1;
  return { seconds: quietest, best: quietest, spread, rounds: rounds.length, runs: rounds.length };
}

/** A value below which the fraction `q` of the others lies. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!;
}

/**
 * Times a function. Where one run is shorter than the clock can tell, several count as one sample.
 * @returns at least one sample, whatever the time
 */
export function timed(run: () => void): Sampler {
  let repeats = 0;
  return (seconds) => {
    repeats ||= repeatsFor(run);
    const samples: number[] = [];
    const end = now() + seconds;
    do {
      const start = now();
      for (let i = 0; i < repeats; i++) run();
      const elapsed = now() - start;
      // Calibrated in a slow moment, it would be too short for the clock.
      if (elapsed < shortestSample() / 2) repeats *= 2;
      else samples.push(elapsed / repeats);
    } while (now() < end || samples.length === 0);
    return samples;
  };
}

/** Seconds of which the clock's steps are 2 % at most: it ticks in 5 or 100 us in browsers. */
function shortestSample(): number {
  return Math.max(20e-6, 50 * clockStep());
}

/** Runs that a sample has to have. */
function repeatsFor(run: () => void): number {
  for (let repeats = 1; ; repeats *= 2) {
    const start = now();
    for (let i = 0; i < repeats; i++) run();
    if (now() - start >= shortestSample()) return repeats;
  }
}

let step: number | undefined;

function clockStep(): number {
  if (step !== undefined) return step;
  step = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 20; i++) {
    const start = now();
    let end = now();
    while (end === start) end = now();
    step = Math.min(step, end - start);
  }
  return step;
}
