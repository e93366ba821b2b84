import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fashionMnist as fashionMnistInBrowser } from '../src/data/fashion-mnist.browser.js';
import { type DownloadProgress, FASHION_MNIST_FILES } from '../src/data/fashion-mnist.js';
import { findFashionMnist } from '../src/data/fashion-mnist.node.js';
import { FASHION_MNIST_CLASSES, fashionMnist } from '../src/data/index.node.js';
import { DataError, FormatError, OptionError } from '../src/errors.js';
import { Generator } from '../src/random.js';

import { type Handler, scratchOfEachTest } from './local-server.js';

/** Where Debian's package has the real files, which these tests compare with. */
const DEBIAN = '/usr/share/datasets/fashion-mnist';
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const scratch = scratchOfEachTest();
const { serve } = scratch;
let directory: string;
beforeEach(() => {
  directory = scratch.directory;
});
afterEach(() => void vi.unstubAllEnvs());

/** Four small files of the right form: n training images and one test image. */
async function writeSmall(target: string, n = 3, unpacked: readonly string[] = []): Promise<void> {
  await mkdir(target, { recursive: true });
  for (const { name } of FASHION_MNIST_FILES) {
    const count = name.startsWith('train') ? n : 1;
    const head = name.includes('images')
      ? [0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 28, 0, 0, 0, 28]
      : [0, 0, 8, 1, 0, 0, 0, count];
    const body = new Uint8Array(count * (name.includes('images') ? 784 : 1)).fill(7);
    const bytes = new Uint8Array([...head, ...body]);
    if (unpacked.includes(name)) await writeFile(join(target, name), bytes);
    else await writeFile(join(target, `${name}.gz`), gzipSync(bytes));
  }
}

describe('fashionMnist, where it looks', () => {
  const offline = ['http://127.0.0.1:65533/a', 'http://127.0.0.1:65533/b'];

  it('takes a directory, packed or not, of any number of images', async () => {
    await writeSmall(directory, 5, ['train-images-idx3-ubyte', 't10k-labels-idx1-ubyte']);
    const { train, test, source } = await fashionMnist({ directory });
    expect([train.length, test.length, source]).toEqual([5, 1, directory]);
    expect([train.shape, train.dtype, train.classes]).toEqual([[1, 28, 28], 'uint8', FASHION_MNIST_CLASSES]);
    expect(train.get(4)).toEqual({ image: new Uint8Array(784).fill(7), label: 7 });
  });

  it('does not look elsewhere when the directory lacks files, and names them', async () => {
    vi.stubEnv('TWILL_DATA', directory);
    await writeSmall(directory);
    const partial = join(directory, 'partial');
    await writeSmall(partial);
    await rm(join(partial, 't10k-labels-idx1-ubyte.gz'));
    const failed = fashionMnist({ directory: partial });
    await expect(failed).rejects.toThrow(DataError);
    await expect(failed).rejects.toThrow(`directory ${partial} lacks t10k-labels-idx1-ubyte.gz`);
    await expect(fashionMnist({ directory: join(directory, 'nowhere') })).rejects.toThrow(
      'nowhere is no directory',
    );
  });

  it('prefers TWILL_DATA to the cache, and the cache to everything behind it', async () => {
    const [given, cache] = [join(directory, 'given'), join(directory, 'twill', 'fashion-mnist')];
    await writeSmall(given, 2);
    await writeSmall(cache, 4);
    vi.stubEnv('TWILL_DATA', given);
    expect((await fashionMnist({ cacheDirectory: cache })).train.length).toBe(2);
    vi.stubEnv('TWILL_DATA', '');
    expect((await fashionMnist({ cacheDirectory: cache })).train.length).toBe(4);
    if (process.platform === 'linux') {
      vi.stubEnv('XDG_CACHE_HOME', directory);
      expect((await fashionMnist()).source).toBe(cache);
    }
    await rm(join(given, 't10k-images-idx3-ubyte.gz'));
    vi.stubEnv('TWILL_DATA', given);
    await expect(fashionMnist({ cacheDirectory: cache })).rejects.toThrow(
      `TWILL_DATA ${given} lacks t10k-images-idx3-ubyte.gz`,
    );
  });

  it('says in one sentence what was tried and how to get it', async () => {
    vi.stubEnv('TWILL_DATA', '');
    const system = join(directory, 'system');
    for (const settings of [{ mirrors: offline }, { download: false }]) {
      const failed = findFashionMnist({ cacheDirectory: directory, ...settings }, system);
      await expect(failed).rejects.toThrow(DataError);
      await expect(failed).rejects.toThrow(
        /TWILL_DATA \(not set\), .*system,.*dataset-fashion-mnist.*directory.*online$/,
      );
    }
    await writeSmall(system);
    expect((await findFashionMnist({ cacheDirectory: directory }, system)).source).toBe(system);
  });

  it.skipIf(!existsSync(DEBIAN))(
    'downloads from the first good mirror into the cache, and next time takes it from there',
    async () => {
      vi.stubEnv('TWILL_DATA', '');
      const asked: string[] = [];
      const good = await serve((request, response) => {
        asked.push(request.url!);
        response.end(readFileSync(join(DEBIAN, request.url!.replace('/mnist/', ''))));
      });
      const bad = await serve((_, response) =>
        response.setHeader('content-type', 'text/html').end('<html>Sign in</html>'),
      );
      const progress: DownloadProgress[] = [];
      const settings = { cacheDirectory: directory, mirrors: [bad, `${good}mnist`] };
      const nowhere = join(directory, 'system');
      const onProgress = (p: DownloadProgress) => progress.push(p);
      const { source, paths } = await findFashionMnist({ ...settings, onProgress }, nowhere);
      const names = FASHION_MNIST_FILES.map(({ name }) => `${name}.gz`);
      expect(source).toBe(directory);
      expect(paths).toEqual(names.map((name) => join(directory, name)));
      expect(asked).toEqual(names.map((name) => `/mnist/${name}`));
      expect((await readdir(directory)).toSorted()).toEqual(names.toSorted());
      expect(progress.at(-1)!.loaded / progress.at(-1)!.total!).toBeGreaterThan(0.99999);

      await rm(paths[3]!);
      await findFashionMnist(settings, nowhere);
      await findFashionMnist(settings, nowhere);
      expect(asked.slice(4)).toEqual([`/mnist/${names[3]}`]);
    },
  );

  it('never takes other data of the right form from a mirror', async () => {
    vi.stubEnv('TWILL_DATA', '');
    const other = join(directory, 'other');
    await writeSmall(other);
    const mirror = await serve(async (request, response) => {
      response.end(await readFile(join(other, request.url!)));
    });
    const cache = join(directory, 'cache');
    const failed = findFashionMnist({ cacheDirectory: cache, mirrors: [mirror] }, join(directory, 'system'));
    await expect(failed).rejects.toThrow(/train-images-idx3-ubyte\.gz: wrong SHA-256/);
    expect(await readdir(cache)).toEqual([]);
  });

  it.each<[string, Uint8Array, RegExp]>([
    [
      'damaged',
      gzipSync(new Generator(1).permutation(9999)).subarray(0, 999),
      /t10k-images-idx3-ubyte\.gz: /,
    ],
    ['no IDX file', gzipSync('hello, this is text'), /t10k-images-idx3-ubyte\.gz: no IDX file/],
    [
      'of another size',
      gzipSync(new Uint8Array([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2])),
      /expected images of 1x28x28 uint8/,
    ],
    [
      'of another length',
      gzipSync(new Uint8Array([0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 28, 0, 0, 0, 28])),
      /holds 0 images but .*1 labels/,
    ],
  ])('names the file that is %s', async (_, bytes, message) => {
    await writeSmall(directory);
    await writeFile(join(directory, 't10k-images-idx3-ubyte.gz'), bytes);
    await expect(fashionMnist({ directory })).rejects.toThrow(FormatError);
    await expect(fashionMnist({ directory })).rejects.toThrow(message);
  });

  it('refuses options that it does not know or cannot use', async () => {
    await expect(fashionMnist({ dir: '.' } as never)).rejects.toThrow(OptionError);
    await expect(fashionMnist({ directory: '' })).rejects.toThrow(OptionError);
    await expect(fashionMnist({ download: 1 } as never)).rejects.toThrow(OptionError);
    await expect(fashionMnist({ mirrors: ['nowhere'] })).rejects.toThrow(OptionError);
    const aborted = fashionMnist({ directory, signal: AbortSignal.abort() });
    await expect(aborted).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
  });
});

describe('fashionMnist in a browser', () => {
  it('loads the four files below an address and tells the progress', async () => {
    await writeSmall(directory, 3);
    const url = await serve(async (request, response) => {
      const bytes = await readFile(join(directory, request.url!.split('/').at(-1)!));
      response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
    });
    const progress: DownloadProgress[] = [];
    const { train, test, source } = await fashionMnistInBrowser({
      baseUrl: `${url}data`,
      onProgress: (p) => progress.push(p),
    });
    expect([train.length, test.length, source]).toEqual([3, 1, `${url}data/`]);
    expect(progress.at(-1)!.loaded).toBe(progress.at(-1)!.total);
  });

  it('loads files with a fetch of the caller, who may have them already', async () => {
    await writeSmall(directory, 3);
    const asked: string[] = [];
    const { train } = await fashionMnistInBrowser({
      baseUrl: 'https://nowhere.invalid/data',
      fetch: async (address) => {
        asked.push(String(address));
        return new Response(await readFile(join(directory, String(address).split('/').at(-1)!)));
      },
    });
    expect(train.length).toBe(3);
    expect(asked.sort()).toEqual(
      FASHION_MNIST_FILES.map(({ name }) => `https://nowhere.invalid/data/${name}.gz`).sort(),
    );
  });

  it('loads files that the server unpacks on the way', async () => {
    await writeSmall(directory, 3);
    const url = await serve(async (request, response) => {
      const bytes = await readFile(join(directory, request.url!.slice(1)));
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bytes);
    });
    expect((await fashionMnistInBrowser({ baseUrl: url })).train.length).toBe(3);
  });

  it.each<[string, Handler, RegExp]>([
    ['is missing', (_, response) => response.writeHead(404).end(), /answered with status 404/],
    [
      'is a web page',
      (_, response) => response.setHeader('content-type', 'text/html').end('<p>'),
      /the file is not there/,
    ],
    [
      'breaks off',
      (_, response) =>
        response.writeHead(200, { 'content-length': 99 }).write('1') &&
        setTimeout(() => response.destroy(), 9),
      /cannot load/,
    ],
  ])('says when a file %s', async (_, handler, message) => {
    const failed = fashionMnistInBrowser({ baseUrl: await serve(handler) });
    await expect(failed).rejects.toThrow(DataError);
    await expect(failed).rejects.toThrow(message);
    await expect(failed).rejects.toThrow('-ubyte.gz');
  });
});

describe.skipIf(!existsSync(DEBIAN))('the real files', { timeout: 30_000 }, () => {
  /** The header of the authors' files: the name and the date, which Debian leaves out. The published MD5 tell if it is right. */
  const published: Record<string, [date: number, md5: string]> = {
    'train-images-idx3-ubyte': [1504176606, '8d4fb7e6c68d591d4c3dfef9ec88bf0d'],
    'train-labels-idx1-ubyte': [1504176606, '25c81989df183df01b3e8a0aad5dffbe'],
    't10k-images-idx3-ubyte': [1504176627, 'bef4ecab320f06d8554ea6380940ec79'],
    't10k-labels-idx1-ubyte': [1504176627, 'bb300cfdad3c16e7a12a480ee83cd310'],
  };

  it('have the checksums that downloads are held to', async () => {
    for (const { name, bytes, sha256: accepted } of FASHION_MNIST_FILES) {
      const debian = await readFile(join(DEBIAN, `${name}.gz`));
      const [date, md5] = published[name]!;
      const header = Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3, ...Buffer.from(name), 0]);
      header.writeUInt32LE(date, 4);
      const original = Buffer.concat([header, debian.subarray(10)]);
      expect(createHash('md5').update(original).digest('hex')).toBe(md5);
      expect(accepted).toEqual([sha256(original), sha256(debian)]);
      expect(bytes).toBe(original.length);
    }
  });

  it('are found where Debian puts them', async () => {
    vi.stubEnv('TWILL_DATA', join(directory, 'nothing-here'));
    const { train, test, source } = await fashionMnist({ cacheDirectory: directory });
    expect([train.length, test.length, source]).toEqual([60000, 10000, DEBIAN]);
    expect([...train.labels.subarray(0, 10)]).toEqual([9, 0, 0, 3, 0, 2, 7, 2, 5, 5]);
    expect(test.classes![test.get(0).label]).toBe('Ankle boot');
    const raw = gunzipSync(await readFile(join(DEBIAN, 'train-images-idx3-ubyte.gz'))).subarray(16);
    expect(
      Buffer.compare(Buffer.from(train.images.buffer, train.images.byteOffset, train.images.byteLength), raw),
    ).toBe(0);
    for (const data of [train, test]) {
      const counts = new Array(10).fill(0);
      for (const label of data.labels) counts[label]++;
      expect(counts).toEqual(new Array(10).fill(data.length / 10));
    }
  });
});
