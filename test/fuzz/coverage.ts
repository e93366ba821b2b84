import { Session } from 'node:inspector/promises';

/** Which code has run, as V8 counts it: files that reach new code are worth changing further. */
export class Coverage {
  readonly #session: Session;
  readonly #seen = new Set<string>();

  private constructor(session: Session) {
    this.#session = session;
  }

  static async start(): Promise<Coverage> {
    const session = new Session();
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    return new Coverage(session);
  }

  /** Whether a branch has run since the last time that never had before. */
  async hasGrown(): Promise<boolean> {
    const { result } = await this.#session.post('Profiler.takePreciseCoverage');
    const before = this.#seen.size;
    for (const { scriptId, url, functions } of result) {
      if (!/\/(src|node_modules\/(fast-png|fflate|jpeg-js|pbf|iobuffer))\//.test(url)) continue;
      for (const { ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges) {
          // As libFuzzer does: once, a few times and many times are different.
          if (count > 0)
            this.#seen.add(`${scriptId} ${startOffset} ${endOffset} ${Math.min(4, 32 - Math.clz32(count))}`);
        }
      }
    }
    return this.#seen.size > before;
  }

  async stop(): Promise<void> {
    await this.#session.post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
  }
}
