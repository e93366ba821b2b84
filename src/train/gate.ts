/** Where a training waits while it is paused. */
export class Gate {
  #opened: Promise<void> | undefined;
  #open: (() => void) | undefined;

  get closed(): boolean {
    return this.#opened !== undefined;
  }

  close(): void {
    this.#opened ??= new Promise((resolve) => (this.#open = resolve));
  }

  open(): void {
    this.#open?.();
    this.#opened = undefined;
  }

  /** Waits until it is open, or the signal aborts; returns the milliseconds that it took. */
  async pass(signal?: AbortSignal): Promise<number> {
    const start = performance.now();
    const waiting = new AbortController();
    const aborted = new Promise<void>((resolve) => {
      signal?.addEventListener('abort', () => resolve(), { once: true, signal: waiting.signal });
    });
    while (this.#opened && !signal?.aborted) await Promise.race([this.#opened, aborted]);
    waiting.abort();
    return performance.now() - start;
  }
}
