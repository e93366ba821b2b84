import type { Exports } from './wasm_module.js';
import type { Team } from './wasm_team.js';

/** A checked program and its blocks, by address, on so many images. */
export interface Run {
  readonly words: number;
  readonly blocks: number;
  readonly batch: number;
  /** Whoever frees the program: not before the run has ended. */
  readonly holder: object;
}

interface Job extends Run {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Runs of one module, one at a time and in order. Those that are waited for later go to the team's members, so that
 * events are handled meanwhile; where there is no team, or a run is too short for it, each runs in a task of its own.
 */
export class Runs {
  readonly #exports: Exports;
  readonly #waiting: Job[] = [];
  #team: Team | undefined;
  /** What the team does without this thread. */
  #underWay: Job | undefined;
  #scheduled = false;

  constructor(exports: Exports) {
    this.#exports = exports;
  }

  /** From now on with these threads. */
  useTeam(team: Team): void {
    this.#team = team;
  }

  now(run: Run): void {
    this.drain();
    this.#execute(run);
  }

  later(run: Run): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...run, resolve, reject });
      this.#pump();
    });
  }

  /** Completes what was asked for before, so that memory is read and written between two runs. */
  drain(): void {
    const job = this.#underWay;
    if (job) {
      this.#underWay = undefined;
      attempt(job, () => this.#team!.finish());
    }
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) this.#complete(next);
  }

  #execute({ words, blocks, batch }: Run): void {
    const team = this.#team;
    if (team && team.worth(words, batch) > 1) team.run(words, blocks, batch);
    else this.#exports.run(words, blocks, batch);
  }

  #complete(job: Job): void {
    attempt(job, () => this.#execute(job));
  }

  #pump(): void {
    const [next] = this.#waiting;
    if (!next || this.#underWay || this.#scheduled) return;
    if (this.#team && this.#team.worth(next.words, next.batch) > 1) {
      this.#waiting.shift();
      this.#handOver(this.#team, next);
      return;
    }
    this.#scheduled = true;
    afterEvents(() => {
      this.#scheduled = false;
      // It may have run meanwhile, and another one be the first.
      if (this.#waiting[0] === next) this.#complete(this.#waiting.shift()!);
      this.#pump();
    });
  }

  #handOver(team: Team, job: Job): void {
    this.#underWay = job;
    const settle = (settled: () => void) => {
      this.#underWay = undefined;
      settled();
      this.#pump();
    };
    const { words, blocks, batch } = job;
    team.submit(
      words,
      blocks,
      batch,
      () => settle(job.resolve),
      (error) => settle(() => job.reject(error)),
    );
  }
}

function attempt({ resolve, reject }: Job, action: () => void): void {
  try {
    action();
    resolve();
  } catch (error) {
    reject(error);
  }
}

/** Calls back in a task after the events that wait now. `setTimeout` would wait 4 ms when nested. */
function afterEvents(callback: () => void): void {
  if (typeof setImmediate === 'function') {
    setImmediate(callback);
    return;
  }
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    callback();
  };
  port2.postMessage(null);
}
