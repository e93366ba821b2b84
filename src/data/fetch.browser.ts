import { DataError } from '../errors.js';

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
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let loaded = 0;
  while (reader !== undefined) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    loaded += value.length;
    if (loaded > maxBytes) {
      await reader.cancel();
      throw new DataError(`cannot load ${url}: it has more than the ${maxBytes} bytes that are accepted`);
    }
    onProgress?.(loaded, total);
  }
  const bytes = new Uint8Array(loaded);
  let filled = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, filled);
    filled += chunk.length;
  }
  return bytes;
}
