import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataError } from '../errors.js';
import { failureReason } from '../io/file.node.js';
import { claimPartial, releasePartial } from './partial.node.js';

/** What to download and how to know that it is the right thing. */
export interface Download {
  /** Where the file can be had, the best place first. */
  readonly urls: readonly string[];
  /** Where it shall be. Only a checked file ever appears there. */
  readonly file: string;
  /** Accepted checksums, in hexadecimal. */
  readonly sha256: readonly string[];
  /** Nothing larger is accepted. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
  /** Told the number of bytes that there are, after each piece; fewer than before when it had to start again. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
  /** Milliseconds without a byte after which a connection counts as dead; default 30,000. */
  readonly stallTimeout?: number;
  /** Milliseconds before the next attempt at an address, doubled after each that brings nothing; default 500. */
  readonly retryDelay?: number;
}

/** Attempts in a row at one address that bring not a single byte before the next address is tried. */
const ATTEMPTS = 3;

/** Failures that a second attempt right away does not mend. */
const UNREACHABLE: ReadonlySet<string> = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ENETUNREACH',
  'EHOSTUNREACH',
]);

/** An attempt that failed; `retry` tells whether the same address may do better next time. */
class AttemptError extends Error {
  readonly retry: boolean;
  constructor(reason: string, retry: boolean) {
    super(reason);
    this.retry = retry;
  }
}

/**
 * Downloads a file from the first address that has it. What has come is kept when the connection breaks, the caller
 * aborts or the process dies, and the next attempt, now or in another process, asks for the rest only.
 * @throws DataError with each address's reason when none delivers the right bytes, or the disk refuses them; the
 * signal's reason when it is aborted
 */
export async function download(spec: Download): Promise<void> {
  const partial = await onDisk(spec.file, async () => {
    await mkdir(dirname(spec.file), { recursive: true });
    return claimPartial(spec.file);
  });
  try {
    const reasons: string[] = [];
    for (const url of spec.urls) {
      const failure = await downloadFrom(url, partial, spec);
      if (failure === undefined) {
        await onDisk(spec.file, () => rename(partial, spec.file));
        return;
      }
      reasons.push(`${url}: ${failure}`);
    }
    throw new DataError(`cannot download ${spec.file}: ${reasons.join('; ')}`);
  } finally {
    await releasePartial(partial, spec.file);
  }
}

/** Runs an operation on the disk; its failure ends the download, whatever the address. */
async function onDisk<T>(file: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    throw new DataError(`cannot download to ${file}: ${failureReason(error)}`, { cause: error });
  }
}

/** Fills and checks `partial` from one address; returns why it could not, or undefined. */
async function downloadFrom(url: string, partial: string, spec: Download): Promise<string | undefined> {
  const { signal, retryDelay = 500 } = spec;
  // Counting from the most that was ever there, and not from the last attempt's start: a server that always breaks
  // off at the same place, or makes us start again, shall not be asked forever.
  let most = await sizeOf(partial);
  let fruitless = 0;
  while (true) {
    const start = await sizeOf(partial);
    try {
      signal?.throwIfAborted();
      await fetchRest(url, partial, start, spec);
      await check(partial, start > 0, spec);
      return undefined;
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof AttemptError)) throw error;
      const size = await sizeOf(partial);
      fruitless = size > most ? 0 : fruitless + 1;
      most = Math.max(most, size);
      if (!error.retry || fruitless === ATTEMPTS) return error.message;
      await sleep(retryDelay * 2 ** fruitless, undefined, { signal }).catch(() => signal?.throwIfAborted());
    }
  }
}

const sizeOf = (file: string) =>
  stat(file).then(
    ({ size }) => size,
    () => 0,
  );

/** Compares the checksum; wrong content is removed. */
async function check(partial: string, resumed: boolean, spec: Download): Promise<void> {
  const digest = await onDisk(spec.file, () => sha256(partial));
  if (spec.sha256.includes(digest)) return;
  await rm(partial, { force: true });
  // The beginning may have been another server's, or an older and broken one: once more, from the start.
  throw new AttemptError(`wrong SHA-256 ${digest} instead of ${spec.sha256[0]}`, resumed);
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest('hex');
}

/** Appends to `partial`, which has `start` bytes, what the address has beyond them. */
async function fetchRest(url: string, partial: string, start: number, spec: Download): Promise<void> {
  // Killed between the last byte and the rename: there is nothing left to ask for.
  if (start > 0 && spec.sha256.includes(await onDisk(spec.file, () => sha256(partial)))) return;
  const watchdog = new Watchdog(spec.stallTimeout ?? 30_000, spec.signal);
  try {
    const headers: Record<string, string> = { 'Accept-Encoding': 'identity' };
    if (start > 0) headers.Range = `bytes=${start}-`;
    const response = await fetch(url, { headers, signal: watchdog.signal });
    const append = await checkResponse(response, partial, start);
    await save(response, partial, append ? start : 0, spec, watchdog);
  } catch (error) {
    if (error instanceof AttemptError || error instanceof DataError) throw error;
    if (watchdog.stalled) throw new AttemptError('no data came for too long', true);
    throw networkFailure(error);
  } finally {
    watchdog.stop();
  }
}

/** True when the body continues at `start`, false when it is the whole file. */
async function checkResponse(response: Response, partial: string, start: number): Promise<boolean> {
  const { status, headers } = response;
  const failed = async (reason: string, retry: boolean) => {
    await response.body?.cancel().catch(() => {});
    return new AttemptError(reason, retry);
  };
  if (status === 416) {
    await rm(partial, { force: true });
    throw await failed('answered that it has nothing beyond what was there', true);
  }
  if (status !== 200 && status !== 206)
    throw await failed(`answered with status ${status}`, status >= 500 || status === 429);
  const type = headers.get('content-type') ?? '';
  if (/\bhtml\b/i.test(type))
    throw await failed(`answered with a web page (${type}) instead of the file`, false);
  if (status === 200) return false;
  if (start > 0 && headers.get('content-range')?.startsWith(`bytes ${start}-`)) return true;
  await rm(partial, { force: true });
  throw await failed(`answered with another part (${headers.get('content-range')}) than asked`, true);
}

async function save(response: Response, partial: string, start: number, spec: Download, watchdog: Watchdog) {
  const handle = await onDisk(spec.file, () => open(partial, start > 0 ? 'a' : 'w'));
  try {
    let size = start;
    spec.onProgress?.(size);
    for await (const chunk of response.body ?? []) {
      watchdog.reset();
      size += chunk.length;
      if (size > spec.maxBytes) {
        await rm(partial, { force: true });
        throw new AttemptError(`sends more than the expected ${spec.maxBytes} bytes`, false);
      }
      await onDisk(spec.file, () => handle.writeFile(chunk));
      spec.onProgress?.(size);
    }
    await onDisk(spec.file, () => handle.sync());
  } finally {
    await handle.close();
  }
}

function networkFailure(error: unknown): AttemptError {
  // fetch says no more than "fetch failed"; what happened is in the cause, which may have a code and no message.
  const cause = ((error as Error)?.cause ?? error) as { code?: string; message?: string };
  return new AttemptError(cause.message || cause.code || String(error), !UNREACHABLE.has(cause.code ?? ''));
}

/** Aborts when the caller does, or when `reset` was not called for `timeout` milliseconds. */
class Watchdog {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #outer: AbortSignal | undefined;
  readonly #abort = () => this.#controller.abort(this.#outer?.reason);
  stalled = false;

  constructor(timeout: number, outer: AbortSignal | undefined) {
    this.#outer = outer;
    outer?.addEventListener('abort', this.#abort);
    if (outer?.aborted) this.#abort();
    this.#timer = setTimeout(() => {
      this.stalled = true;
      this.#controller.abort();
    }, timeout);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  reset(): void {
    this.#timer.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener('abort', this.#abort);
  }
}
