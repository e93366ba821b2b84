import { BackendError } from '../errors.js';
import type { Membership, Word } from '../wasm/thread.js';
import type { Allocation } from './linear_memory.js';
import { TeamError } from './wasm_choice.js';
import { type Instance, STACK_BYTES, type TeamExports } from './wasm_module.js';
import { mayBlock } from './wasm_support.js';

/** More would have no work: programs cut theirs into 16 slices. */
export const MAX_DEFAULT_THREADS = 16;
/** wasm/team.h has room for so many. */
const MAX_THREADS = 64;
/** A member that has not come by then never will; a loaded machine may take a second. */
const PATIENCE = 15_000;

const GAVE_UP = 'it gave up in the middle of a run';

/** A worker that runs src/wasm/thread.ts. */
export interface Member {
  terminate(): void;
  /** Keeps the process alive from now on, or (false) lets it end. */
  keepAlive(alive: boolean): void;
}

export interface MemberEvents {
  word(word: Word): void;
  failure(error: Error): void;
}

/** Starts a worker; throws where it cannot. */
export type SpawnMember = (membership: Membership, events: MemberEvents) => Member;

/**
 * Workers on the shared memory of a module. A run that is waited for is done by the caller and the members after the
 * first; any other by all members, the first one leading, so that the caller stays free. Between runs they sleep.
 */
export class Team {
  readonly threads: number;
  readonly #exports: TeamExports;
  readonly #members: Member[] = [];
  readonly #stacks: Allocation[] = [];
  readonly #mayBlock = mayBlock() ? 1 : 0;
  readonly #arrival: { promise: Promise<void>; come: () => void; fail: (error: Error) => void };
  #joined = 0;
  #failure: Error | undefined;
  /** Runs that members led: how many were handed over, and of how many the end was heard. */
  #submitted = 0;
  #heard = 0;
  #onEnded: (() => void) | undefined;
  #onFailure: ((error: BackendError) => void) | undefined;

  /** Starts the workers. Throws `TeamError` where none can be had. */
  constructor({ module, memory, heap, exports }: Instance, threads: number, spawn: SpawnMember) {
    this.threads = Math.min(threads, MAX_THREADS);
    this.#exports = exports as TeamExports;
    let [come, fail]: [() => void, (error: Error) => void] = [() => {}, () => {}];
    const promise = new Promise<void>((resolve, reject) => ([come, fail] = [resolve, reject]));
    promise.catch(() => {}); // heard by whoever waits, which may be nobody
    this.#arrival = { promise, come, fail };
    const events = {
      word: (word: Word) => (word === 'joined' ? this.#join() : this.#end()),
      failure: (error: Error) => this.#fail(error),
    };
    try {
      for (let thread = 0; thread < this.threads; thread++) {
        const stack = heap.allocate(STACK_BYTES);
        this.#stacks.push(stack);
        this.#members.push(spawn({ module, memory, thread, stack: stack.address + STACK_BYTES }, events));
      }
    } catch (error) {
      this.terminate();
      throw new TeamError(`a thread cannot be started: ${(error as Error).message}`);
    }
  }

  /** Resolves when all have come; rejects with `TeamError`. */
  async arrival(): Promise<void> {
    const timer = setTimeout(() => this.#arrival.fail(this.#late(this.#joined)), PATIENCE);
    try {
      await this.#arrival.promise;
      for (const member of this.#members) member.keepAlive(false);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The same for a caller that may block. */
  awaitArrival(): void {
    const present = this.#exports.await_members(this.threads, PATIENCE);
    if (present < this.threads) throw this.#late(present);
    for (const member of this.#members) member.keepAlive(false);
  }

  /** Threads that a run is worth; where it is one, the team is not needed for it. */
  worth(words: number, batch: number): number {
    return this.#exports.team(words, batch, this.threads);
  }

  /** Runs with the caller as the first thread. */
  run(words: number, blocks: number, batch: number): void {
    if (this.#failure) throw this.#broken();
    try {
      this.#exports.run_in_team(words, blocks, batch, this.worth(words, batch), this.#mayBlock);
    } catch (error) {
      this.#exports.abandon();
      this.#fail(error as Error);
      throw this.#broken();
    }
    this.#checkAbandoned();
  }

  /** Runs without the caller; one run at a time. Calls back when it has ended, unless `finish` is called before. */
  submit(
    words: number,
    blocks: number,
    batch: number,
    onEnded: () => void,
    onFailure: (error: BackendError) => void,
  ): void {
    if (this.#failure) return onFailure(this.#broken());
    this.#onEnded = onEnded;
    this.#onFailure = onFailure;
    if (this.#submitted++ === this.#heard) this.#members[0]!.keepAlive(true);
    this.#exports.submit(words, blocks, batch, this.worth(words, batch));
  }

  /** Returns when the run that was handed over last has ended. */
  finish(): void {
    this.#onEnded = undefined;
    this.#onFailure = undefined;
    if (this.#failure) throw this.#broken();
    this.#exports.finish(this.#mayBlock);
    this.#checkAbandoned();
  }

  /** Throws where a thread has given up in the middle of a run. Its own error comes as an event, later. */
  #checkAbandoned(): void {
    if (this.#exports.abandoned() === 0) return;
    this.#failure ??= new Error(GAVE_UP);
    throw this.#broken();
  }

  terminate(): void {
    this.#failure ??= new Error('it was disposed');
    for (const member of this.#members) member.terminate();
    // Their stacks stay: a worker may still run for a moment.
    this.#members.length = 0;
  }

  #late(present: number): TeamError {
    return new TeamError(`${present} of ${this.threads} threads came within ${PATIENCE / 1000} seconds`);
  }

  #join(): void {
    if (++this.#joined === this.threads) this.#arrival.come();
  }

  #end(): void {
    if (++this.#heard < this.#submitted) return; // of a run that `finish` waited for
    this.#members[0]?.keepAlive(false);
    if (this.#exports.abandoned() !== 0) return this.#fail(new Error(GAVE_UP));
    const onEnded = this.#onEnded;
    this.#onEnded = undefined;
    onEnded?.();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#arrival.fail(new TeamError(`a thread's worker failed: ${error.message}`));
    this.#onFailure?.(this.#broken());
    this.#onFailure = undefined;
  }

  #broken(): BackendError {
    return new BackendError(
      `[program] a thread of the WebAssembly backend failed: ${this.#failure!.message}`,
    );
  }
}
