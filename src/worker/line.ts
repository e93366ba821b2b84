import { OptionError, WorkerError } from '../errors.js';
import { decodeError } from './error-data.js';
import {
  buffersIn,
  type Handle,
  type Method,
  type News,
  type Notice,
  type NoticeParams,
  type Params,
  type Reply,
  type Request,
  type Result,
} from './protocol.js';
import type { Channel, Spawn } from './spawn.js';

interface Call {
  readonly settle: (result: unknown) => void;
  readonly fail: (error: Error) => void;
}

/** The page's end of what leads to a worker: calls and their answers, and what the worker tells unasked. */
export class Line {
  readonly #channel: Channel;
  readonly #calls = new Map<number, Call>();
  readonly #listeners = new Map<Handle, (news: News) => void>();
  /** Frees in the worker what nobody on this side refers to any more. */
  readonly #collector = new FinalizationRegistry<() => void>((free) => free());
  readonly #onIdle: (() => void)[] = [];
  #numbers = 0;
  #operations = 0;
  /** Why nothing new is taken on; with `#over`, why nothing works any more. */
  #refusal: string | undefined;
  #over = false;
  #cause: Error | undefined;
  #ended: Promise<unknown> | undefined;

  constructor(spawn: Spawn, script?: string | URL) {
    this.#channel = spawn(script, {
      message: (data) => this.#receive(data as Reply),
      failure: (error) => this.end(`the worker crashed: ${error.message}`, error),
    });
  }

  /** A number for something that is to live in the worker. */
  handle(): Handle {
    return ++this.#numbers;
  }

  /**
   * Asks the worker. Buffers in `params` are transferred. Where `signal` aborts the worker is told, and once it has
   * ended the call throws the signal's reason. Throws what the worker threw, or `WorkerError` where it is gone.
   */
  async call<M extends Method>(method: M, params: Params<M>, signal?: AbortSignal): Promise<Result<M>> {
    if (this.#over) throw this.#gone();
    const call = ++this.#numbers;
    const answer = new Promise<unknown>((settle, fail) => {
      this.#calls.set(call, { settle, fail });
    });
    const cancel = () => this.#post({ cancel: call });
    try {
      this.#post({ call, method, params });
      this.#channel.keepAlive(true);
      signal?.addEventListener('abort', cancel);
      return (await answer) as Result<M>;
    } catch (error) {
      if (signal?.aborted && !this.#over) throw signal.reason;
      throw error;
    } finally {
      signal?.removeEventListener('abort', cancel);
      this.#calls.delete(call);
      if (this.#calls.size === 0) this.#channel.keepAlive(false);
    }
  }

  /** Tells the worker something that needs no answer. */
  notify<N extends Notice>(method: N, params: NoticeParams<N>): void {
    if (!this.#over) this.#post({ method, params });
  }

  /** Has `listener` called with what a training tells; undefined ends it. */
  listen(handle: Handle, listener: ((news: News) => void) | undefined): void {
    if (listener) this.#listeners.set(handle, listener);
    else this.#listeners.delete(handle);
  }

  /** Tells the worker to drop `handle` once `owner` is collected. */
  collect(owner: object, notice: Exclude<Notice, 'steer'>, handle: Handle): void {
    this.#collector.register(owner, () => this.notify(notice, { handle }), owner);
  }

  /** Drops it now. */
  release(owner: object, notice: Exclude<Notice, 'steer'>, handle: Handle): void {
    this.#collector.unregister(owner);
    this.notify(notice, { handle });
  }

  /** What `idle` waits for, from here to `leave`. Throws `WorkerError` where nothing new is taken on. */
  enter(what: string): void {
    if (this.#refusal !== undefined) throw this.#gone(`${what}: `);
    this.#operations++;
  }

  leave(): void {
    if (--this.#operations === 0) for (const idle of this.#onIdle.splice(0)) idle();
  }

  /** `work` as an operation that `idle` waits for. */
  async operation<T>(what: string, work: () => Promise<T>): Promise<T> {
    this.enter(what);
    try {
      return await work();
    } finally {
      this.leave();
    }
  }

  /** Takes on nothing new, and resolves when what runs has ended. */
  async idle(refusal: string): Promise<void> {
    this.#refusal ??= refusal;
    if (this.#operations > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  /** Ends the worker and rejects whatever waits for it; later reasons change nothing. */
  end(reason: string, cause?: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#refusal = reason;
    this.#cause = cause;
    this.#ended = this.#channel.terminate();
    this.#listeners.clear();
    for (const { fail } of this.#calls.values()) fail(this.#gone());
  }

  /** Resolves when the worker is gone, `end` having been called. */
  async ended(): Promise<void> {
    await this.#ended;
  }

  #gone(what = ''): WorkerError {
    return new WorkerError(`[TrainingWorker] ${what}${this.#refusal}`, this.#cause && { cause: this.#cause });
  }

  #post(request: Request): void {
    try {
      this.#channel.post(request, buffersIn(request));
    } catch (error) {
      const what = 'method' in request ? request.method : 'cancel';
      throw new OptionError(
        `[TrainingWorker] what ${what} was given cannot be sent to a worker: ${(error as Error).message}`,
      );
    }
  }

  #receive(reply: Reply): void {
    if ('news' in reply) {
      this.#listeners.get(reply.handle)?.(reply.news);
      return;
    }
    const call = this.#calls.get(reply.call);
    if ('error' in reply) call?.fail(decodeError(reply.error));
    else call?.settle(reply.result);
  }
}
