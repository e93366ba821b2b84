import { DataError } from '../errors.js';
import { turns } from './turns.js';

/** A request for a whole file. */
export interface Request {
  readonly url: string;
  readonly signal?: AbortSignal | undefined;
  /** Nothing larger is accepted. */
  readonly maxBytes: number;
  /** Told the bytes that have come, and the file's size when the server tells it. */
  readonly onProgress?: ((loaded: number, total: number | undefined) => void) | undefined;
  /** Default the global `fetch`. */
  readonly fetch?: typeof fetch | undefined;
}

/**
 * Fetches a whole file.
 * @throws DataError when the server cannot be reached, answers with an error or a web page, or sends too much
 */
export async function fetchBytes({
  url,
  signal,
  maxBytes,
  onProgress,
  fetch: fetchFile = fetch,
}: Request): Promise<Uint8Array<ArrayBuffer>> {
  let response: Response;
  try {
    response = await fetchFile(url, { signal: signal ?? null });
  } catch (error) {
    signal?.throwIfAborted();
    throw new DataError(`cannot load ${url}: ${reason(error)}`, { cause: error });
  }
  try {
    checkAnswer(response, url);
    return await collect(response, maxBytes, url, onProgress);
  } catch (error) {
    await response.body?.cancel().catch(() => {});
    signal?.throwIfAborted();
    if (error instanceof DataError) throw error;
    throw new DataError(`cannot load ${url}: ${reason(error)}`, { cause: error });
  }
}

const reason = (error: unknown) => (error instanceof Error ? error.message : String(error));

function checkAnswer({ ok, status, headers }: Response, url: string): void {
  if (!ok) throw new DataError(`cannot load ${url}: the server answered with status ${status}`);
  const type = headers.get('content-type') ?? '';
  if (/\bhtml\b/i.test(type)) {
    throw new DataError(
      `cannot load ${url}: the server answered with a web page (${type}), the file is not there`,
    );
  }
}

async function collect(
  response: Response,
  maxBytes: number,
  url: string,
  onProgress: Request['onProgress'],
): Promise<Uint8Array<ArrayBuffer>> {
  // With a content encoding the length counts compressed bytes, and what comes in is inflated.
  const told = response.headers.has('content-encoding') ? null : response.headers.get('content-length');
  const total = told === null ? undefined : Number(told);
  const reader = response.body?.getReader();
  // Filled as they come: tens of megabytes at once in the end would hold up the page.
  let bytes = new Uint8Array(Math.min(total ?? 2 ** 16, maxBytes));
  let loaded = 0;
  const rest = turns();
  while (reader !== undefined) {
    const { done, value } = await reader.read();
    if (done) break;
    if (loaded + value.length > maxBytes) {
      await reader.cancel();
      throw new DataError(`cannot load ${url}: it has more than the ${maxBytes} bytes that are accepted`);
    }
    if (loaded + value.length > bytes.length) {
      const larger = new Uint8Array(Math.min(maxBytes, Math.max(2 * bytes.length, loaded + value.length)));
      larger.set(bytes.subarray(0, loaded));
      bytes = larger;
    }
    bytes.set(value, loaded);
    loaded += value.length;
    onProgress?.(loaded, total);
    await rest();
  }
  return loaded === bytes.length ? bytes : bytes.slice(0, loaded);
}
