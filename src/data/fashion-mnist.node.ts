import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import envPaths from 'env-paths';
import { DataError, OptionError } from '../errors.js';
import { boolean, checkOptions, show, text } from '../options.js';
import { download } from './download.node.js';
import {
  type DownloadProgress,
  decodeFashionMnist,
  FASHION_MNIST_FILES,
  type FashionMnist,
  type PublishedFile,
} from './fashion-mnist.js';
import { readNamed } from './idx.node.js';

/** What `fashionMnist(...)` takes in Node. */
export interface FashionMnistOptions {
  /** A directory with the four IDX files, compressed or not; nothing else is looked at then. */
  directory?: string;
  /** Where downloads are kept; default the user's cache directory. */
  cacheDirectory?: string;
  /** Whether to download what is found nowhere; default true. */
  download?: boolean;
  /** Addresses of directories with the four .gz files, tried in order. */
  mirrors?: readonly string[];
  /** Called while a file comes in. */
  onProgress?: (progress: DownloadProgress) => void;
  /** Ends a download; what has come is kept for the next time. */
  signal?: AbortSignal;
}

const MIRRORS: readonly string[] = [
  'https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/',
  'https://storage.googleapis.com/tensorflow/tf-keras-datasets/',
];

/** Where Debian's package dataset-fashion-mnist puts them. */
const SYSTEM_DIRECTORY = '/usr/share/datasets/fashion-mnist';

/**
 * Loads Fashion-MNIST (Xiao, Rasul and Vollgraf 2017). The four IDX files are taken from the first of: `directory`,
 * the environment variable TWILL_DATA, the user's cache directory, Debian's system folder; else they are downloaded
 * into the cache directory, their SHA-256 checked.
 * @throws DataError when they are found nowhere, or only some of them are where they were said to be; FormatError,
 * naming the file, when one is damaged
 */
export async function fashionMnist(options?: FashionMnistOptions): Promise<FashionMnist> {
  const settings = checkFashionMnistOptions(options);
  settings.signal?.throwIfAborted();
  const { source, paths } = await findFashionMnist(settings);
  settings.signal?.throwIfAborted();
  return decodeFashionMnist(await Promise.all(paths.map(readNamed)), source);
}

/** The files that `fashionMnist` would load, in the order of `FASHION_MNIST_FILES`; downloads them if need be. */
export async function findFashionMnist(
  options?: FashionMnistOptions,
  systemDirectory: string = SYSTEM_DIRECTORY,
): Promise<{ source: string; paths: readonly string[] }> {
  const settings = checkFashionMnistOptions(options);
  const cache = settings.cacheDirectory ?? join(envPaths('twill', { suffix: '' }).cache, 'fashion-mnist');
  if (settings.directory !== undefined) return complete(settings.directory, 'directory');

  const given = process.env.TWILL_DATA || undefined;
  if (given !== undefined && (await look(given)).missing.length < FASHION_MNIST_FILES.length) {
    return complete(given, 'TWILL_DATA');
  }
  for (const source of [cache, systemDirectory]) {
    const { paths, missing } = await look(source);
    if (missing.length === 0) return { source, paths };
  }
  const tried = `TWILL_DATA (${given ?? 'not set'}), ${cache} and ${systemDirectory}`;
  if (!(settings.download ?? true)) throw notFound(tried, 'downloading is switched off');
  try {
    await downloadMissing(cache, settings);
  } catch (error) {
    if (error instanceof DataError) throw notFound(tried, error.message, error);
    throw error;
  }
  return complete(cache, 'cache directory');
}

function checkFashionMnistOptions(options: FashionMnistOptions | undefined): FashionMnistOptions {
  const where = 'fashionMnist';
  const known = ['directory', 'cacheDirectory', 'download', 'mirrors', 'onProgress', 'signal'] as const;
  const settings = checkOptions(where, options, known);
  if (settings.directory !== undefined) text(where, 'directory', settings.directory);
  if (settings.cacheDirectory !== undefined) text(where, 'cacheDirectory', settings.cacheDirectory);
  if (settings.download !== undefined) boolean(where, 'download', settings.download);
  const { mirrors } = settings;
  if (mirrors !== undefined && !(Array.isArray(mirrors) && mirrors.every((url) => URL.canParse(url)))) {
    throw new OptionError(`[${where}] mirrors must be an array of addresses but is ${show(mirrors)}`);
  }
  return settings;
}

function notFound(tried: string, why: string, cause?: Error): DataError {
  return new DataError(
    `[fashionMnist] the data set is not in ${tried}, and ${why}; to get it, run 'apt-get install dataset-fashion-mnist', ` +
      'or set TWILL_DATA (or the directory option) to a directory with its four .gz files, or run once while online',
    { cause },
  );
}

/** Which of the four files a directory has. */
async function look(directory: string): Promise<{ paths: string[]; missing: PublishedFile[] }> {
  const paths: string[] = [];
  const missing: PublishedFile[] = [];
  for (const file of FASHION_MNIST_FILES) {
    const packed = join(directory, `${file.name}.gz`);
    const unpacked = join(directory, file.name);
    if (await isFile(packed)) paths.push(packed);
    else if (await isFile(unpacked)) paths.push(unpacked);
    else missing.push(file);
  }
  return { paths, missing };
}

const isFile = (path: string) =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  );

const isDirectory = (path: string) =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

async function complete(source: string, what: string): Promise<{ source: string; paths: readonly string[] }> {
  const { paths, missing } = await look(source);
  if (missing.length === 0) return { source, paths };
  if (!(await isDirectory(source))) throw new DataError(`[fashionMnist] ${what} ${source} is no directory`);
  const names = missing.map(({ name }) => `${name}.gz`).join(', ');
  throw new DataError(`[fashionMnist] ${what} ${source} lacks ${names}`);
}

async function downloadMissing(cache: string, settings: FashionMnistOptions): Promise<void> {
  const { mirrors = MIRRORS, onProgress, signal } = settings;
  const { missing } = await look(cache);
  const total = missing.reduce((sum, { bytes }) => sum + bytes, 0);
  let before = 0;
  for (const { name, bytes, sha256 } of missing) {
    const file = `${name}.gz`;
    await download({
      urls: mirrors.map((mirror) => new URL(file, mirror.endsWith('/') ? mirror : `${mirror}/`).href),
      file: join(cache, file),
      sha256,
      maxBytes: bytes,
      signal,
      onProgress: (loaded) => onProgress?.({ file, loaded: before + loaded, total }),
    });
    before += bytes;
  }
}
