import { type DownloadProgress, fashionMnist } from './twill.js';

export type FashionMnist = Awaited<ReturnType<typeof fashionMnist>>;

/** Name of the browser's cache that keeps the files. */
const CACHE = 'twill-fashion-mnist';

export interface Loaded extends FashionMnist {
  /** Where they came from this time, in words. */
  readonly from: string;
}

/** Loads the data set from beside the page, or from the browser's cache where the server has nothing newer. */
export async function loadData(onProgress: (progress: DownloadProgress) => void): Promise<Loaded> {
  const kept = await openCache();
  const source = new CachedFiles(kept.cache);
  try {
    const data = await fashionMnist({ onProgress, fetch: source.fetch });
    return { ...data, from: kept.why ?? source.from };
  } catch (error) {
    // What cannot be read is not to be found again.
    if (kept.cache) await caches.delete(CACHE);
    throw error;
  }
}

/** Loads it from files that the visitor chose, by their names. */
export async function dataFromFiles(files: readonly File[]): Promise<Loaded> {
  const fetchChosen = async (address: RequestInfo | URL) => {
    const name = String(address).split('/').at(-1)!;
    const file = files.find((one) => one.name === name || `${one.name}.gz` === name);
    if (!file) throw new Error(`${name} is not among the files that were chosen`);
    return new Response(file);
  };
  return { ...(await fashionMnist({ fetch: fetchChosen })), from: 'files of your own' };
}

/** The cache, or why there is none: private windows and plain http refuse it. */
async function openCache(): Promise<{ cache?: Cache; why?: string }> {
  try {
    return { cache: await caches.open(CACHE) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { why: `the server; this browser keeps nothing: ${reason}` };
  }
}

class CachedFiles {
  readonly #cache: Cache | undefined;
  #fetched = 0;
  /** Why a file could not be kept. */
  #refusal: string | undefined;

  constructor(cache: Cache | undefined) {
    this.#cache = cache;
  }

  get from(): string {
    if (this.#fetched === 0) return "this browser's cache";
    return this.#refusal ? `the server; not kept: ${this.#refusal}` : 'the server';
  }

  readonly fetch = async (address: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const cache = this.#cache;
    const kept = await cache?.match(address);
    if (kept && (await isCurrent(kept, address))) return kept;
    this.#fetched++;
    const response = await fetch(address, init);
    const isFile = response.ok && !/\bhtml\b/.test(response.headers.get('content-type') ?? '');
    if (cache && isFile) {
      cache.put(address, response.clone()).catch((error: unknown) => (this.#refusal = String(error)));
    }
    return response;
  };
}

/** Whether the server has the same file still; where it cannot be asked, what is kept has to do. */
async function isCurrent(kept: Response, address: RequestInfo | URL): Promise<boolean> {
  const asked = await fetch(address, { method: 'HEAD' }).catch(() => undefined);
  return !asked?.ok || asked.headers.get('etag') === kept.headers.get('etag');
}
