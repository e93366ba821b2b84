import { checkOptions, folderAddress } from '../options.js';
import {
  type DownloadProgress,
  decodeFashionMnist,
  FASHION_MNIST_FILES,
  type FashionMnist,
} from './fashion-mnist.js';
import { fetchBytes } from './fetch.browser.js';
import type { NamedBytes } from './idx-dataset.js';

/** What `fashionMnist(...)` takes in a browser. */
export interface FashionMnistOptions {
  /** Address of the directory with the four .gz files, relative to the page; default `fashion-mnist/`. */
  baseUrl?: string | URL;
  /** Called while the files come in. */
  onProgress?: (progress: DownloadProgress) => void;
  /** Ends the download: it throws the reason of the signal. */
  signal?: AbortSignal;
  /** Fetches each file, by its whole address: from a cache, say. Default the global `fetch`. */
  fetch?: typeof fetch;
}

/** Room for the files as they are (54 MB unpacked, should the server do that) and larger ones of the same kind. */
const MAX_FILE_BYTES = 2 ** 28;

/**
 * Loads Fashion-MNIST (Xiao, Rasul and Vollgraf 2017) from the four IDX files below `baseUrl`.
 * @throws DataError when a file cannot be loaded; FormatError, naming the file, when one is damaged
 */
export async function fashionMnist(options?: FashionMnistOptions): Promise<FashionMnist> {
  const settings = checkOptions('fashionMnist', options, ['baseUrl', 'onProgress', 'signal', 'fetch']);
  const { baseUrl = 'fashion-mnist/', onProgress, signal, fetch } = settings;
  const base = folderAddress('fashionMnist', 'baseUrl', baseUrl);
  const progress = FASHION_MNIST_FILES.map(() => ({ loaded: 0, total: undefined as number | undefined }));

  const load = async (name: string, i: number): Promise<NamedBytes> => {
    const file = `${name}.gz`;
    const bytes = await fetchBytes({
      url: new URL(file, base).href,
      signal,
      fetch,
      maxBytes: MAX_FILE_BYTES,
      onProgress: (loaded, total) => {
        progress[i] = { loaded, total };
        onProgress?.({
          file,
          loaded: progress.reduce((sum, part) => sum + part.loaded, 0),
          total: progress.reduce<number | undefined>(
            (sum, part) => (sum === undefined || part.total === undefined ? undefined : sum + part.total),
            0,
          ),
        });
      },
    });
    return { name: file, bytes };
  };
  const files = await Promise.all(FASHION_MNIST_FILES.map(({ name }, i) => load(name, i)));
  return decodeFashionMnist(files, base);
}
