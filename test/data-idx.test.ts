import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeIdx, parseIdx } from '../src/data/idx.js';
import { loadIdx } from '../src/data/idx.node.js';
import { DataError, FormatError, OptionError } from '../src/errors.js';
import { Generator } from '../src/random.js';

/** An IDX file: type byte, sizes, then the bytes of the elements. */
function idx(type: number, shape: readonly number[], elements: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array(4 + 4 * shape.length + elements.length);
  bytes.set([0, 0, type, shape.length]);
  shape.forEach((size, i) => {
    new DataView(bytes.buffer).setUint32(4 + 4 * i, size);
  });
  bytes.set(elements, 4 + 4 * shape.length);
  return bytes;
}

const images = idx(8, [3, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
const labels = idx(8, [3], [0, 1, 2]);

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'twill-idx-'));
});
afterAll(() => rm(directory, { recursive: true }));

async function put(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, bytes);
  return path;
}

describe('parseIdx', () => {
  const bigEndian = (bytes: number, set: (view: DataView) => void) => {
    const view = new DataView(new ArrayBuffer(bytes));
    set(view);
    return new Uint8Array(view.buffer);
  };
  it.each([
    [8, 'uint8', Uint8Array.of(250, 3), Uint8Array.of(250, 3)],
    [9, 'int8', Uint8Array.of(250, 3), Int8Array.of(-6, 3)],
    [11, 'int16', bigEndian(4, (v) => [v.setInt16(0, -300), v.setInt16(2, 5)]), Int16Array.of(-300, 5)],
    [12, 'int32', bigEndian(8, (v) => [v.setInt32(0, -70000), v.setInt32(4, 5)]), Int32Array.of(-70000, 5)],
    [
      13,
      'float32',
      bigEndian(8, (v) => [v.setFloat32(0, 0.1), v.setFloat32(4, -2)]),
      Float32Array.of(0.1, -2),
    ],
    [
      14,
      'float64',
      bigEndian(16, (v) => [v.setFloat64(0, 0.1), v.setFloat64(8, -2)]),
      Float64Array.of(0.1, -2),
    ],
  ])('reads the element type 0x%s, %s', (code, type, raw, data) => {
    expect(parseIdx(idx(code, [1, 2, 1], raw), 'x')).toEqual({ type, shape: [1, 2, 1], data });
    // also where the bytes do not begin at the start of their buffer
    const shifted = new Uint8Array([99, ...idx(code, [2], raw)]).subarray(1);
    expect(parseIdx(shifted, 'x').data).toEqual(data);
  });

  it('reads scalars and empty arrays', () => {
    expect(parseIdx(idx(8, [], [7]), 'x')).toEqual({ type: 'uint8', shape: [], data: Uint8Array.of(7) });
    expect(parseIdx(idx(8, [0, 2 ** 32 - 1, 2 ** 32 - 1], []), 'x').data).toHaveLength(0);
  });

  it.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(0), 'truncated, it ends after 0 bytes, within the header'],
    ['half a header', images.subarray(0, 9), 'truncated, it ends after 9 bytes, within the header'],
    ['a missing byte', images.subarray(0, 27), 'truncated, 3x2x2 uint8 take 28 bytes but it has 27'],
    [
      'a byte too many',
      new Uint8Array([...images, 0]),
      'trailing bytes, 3x2x2 uint8 take 28 bytes but it has 29',
    ],
    ['a wrong magic number', new Uint8Array([1, ...images.subarray(1)]), 'its magic number is 0x01000803'],
    ['an unknown element type', idx(10, [1], [1]), 'its magic number is 0x00000a01'],
    ['a web page', new TextEncoder().encode('<!DOCTYPE html><html></html>'), 'it looks like a web page'],
    [
      'huge counts',
      idx(8, [2 ** 32 - 1, 2 ** 32 - 1, 2 ** 32 - 1], [1]),
      'promises 4294967295x4294967295x4294967295 uint8',
    ],
    ['a count that is a little too large', idx(14, [2 ** 28], [1]), 'more than 2147483647 bytes'],
  ])('refuses %s', async (_, bytes, message) => {
    const name = 'train-images-idx3-ubyte';
    expect(() => parseIdx(bytes, name)).toThrow(FormatError);
    expect(() => parseIdx(bytes, name)).toThrow(`[idx] ${name}: `);
    expect(() => parseIdx(bytes, name)).toThrow(message);
    await expect(decodeIdx(gzipSync(bytes), name)).rejects.toThrow(FormatError);
    await expect(decodeIdx(gzipSync(bytes), name)).rejects.toThrow(name);
  });
});

describe('decodeIdx', () => {
  it('inflates gzip files and leaves others as they are', async () => {
    expect(await decodeIdx(gzipSync(images), 'x')).toEqual(parseIdx(images, 'x'));
    expect(await decodeIdx(images, 'x')).toEqual(parseIdx(images, 'x'));
  });

  it('refuses cut and damaged gzip data', async () => {
    const generator = new Generator(1);
    const noise = Uint8Array.from({ length: 5000 }, () => generator.integer(256));
    const packed = gzipSync(idx(8, [5000], noise));
    await expect(decodeIdx(packed.subarray(0, 2000), 'cut.gz')).rejects.toThrow(
      /cut\.gz: truncated or damaged/,
    );
    await expect(decodeIdx(packed.subarray(0, 5), 'cut.gz')).rejects.toThrow(FormatError);
    const damaged = new Uint8Array(packed);
    damaged[packed.length - 6]! ^= 1; // in the checksum
    await expect(decodeIdx(damaged, 'bad.gz')).rejects.toThrow(/bad\.gz: truncated or damaged/);
  });

  it('never inflates more than the header promises', async () => {
    const bomb = gzipSync(idx(8, [1], new Uint8Array(64_000_000)), { level: 1 });
    const before = process.memoryUsage().rss;
    await expect(decodeIdx(bomb, 'bomb.gz')).rejects.toThrow(
      'inflates to more than the 9 bytes that its header promises',
    );
    expect(process.memoryUsage().rss - before).toBeLessThan(30e6);
  });

  it('allocates nothing for a promise that the compressed bytes cannot keep', async () => {
    const liar = gzipSync(idx(8, [2_000_000_000], [1, 2, 3]));
    await expect(decodeIdx(liar, 'liar.gz')).rejects.toThrow(
      /promises 2000000008 bytes, more than \d+ compressed bytes/,
    );
  });

  it('is at worst a FormatError, whatever bytes are changed, cut or added', async () => {
    const packed = gzipSync(images);
    const input = fc.record({
      file: fc.constantFrom(images, labels, packed),
      edits: fc.array(fc.tuple(fc.nat(40), fc.nat(255)), { maxLength: 4 }),
      length: fc.option(fc.nat(40)),
    });
    await fc.assert(
      fc.asyncProperty(input, async ({ file, edits, length }) => {
        const bytes = Uint8Array.from(file).slice(0, length ?? undefined);
        for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
        try {
          await decodeIdx(bytes, 'x');
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('loadIdx', () => {
  it('loads a pair of files, compressed or not, by path or URL', async () => {
    const imagesFile = await put('images.gz', gzipSync(images));
    const labelsFile = await put('labels', labels);
    const data = await loadIdx(imagesFile, pathToFileURL(labelsFile), { classes: ['a', 'b', 'c'] });
    expect([data.length, data.shape, data.dtype, data.classes]).toEqual([
      3,
      [1, 2, 2],
      'uint8',
      ['a', 'b', 'c'],
    ]);
    expect(data.get(1)).toEqual({ image: Uint8Array.of(5, 6, 7, 8), label: 1 });
  });

  it('loads colour images, rows of features and other element types', async () => {
    const labelsFile = await put('labels', idx(12, [1], [0, 0, 1, 0]));
    const colour = await loadIdx(await put('colour', idx(9, [1, 2, 1, 2], [255, 1, 2, 3])), labelsFile);
    expect(colour.shape).toEqual([2, 1, 2]);
    expect(colour.get(0)).toEqual({ image: Float32Array.of(-1, 1, 2, 3), label: 256 });
    const features = await loadIdx(await put('features', idx(8, [1, 3], [1, 2, 3])), labelsFile);
    expect(features.shape).toEqual([1, 1, 3]);
  });

  it.each<[string, Uint8Array, Uint8Array, string]>([
    ['labels for images', labels, labels, 'it looks like a file of labels'],
    ['images for labels', images, images, 'expected labels, one dimension, but it holds 3x2x2 of uint8'],
    [
      'more labels than images',
      images,
      idx(8, [4], [0, 1, 2, 0]),
      /holds 3 images but .*mixed-labels 4 labels/.source,
    ],
    ['a label without a class', images, idx(8, [3], [0, 3, 1]), 'label 1 is 3 but must be from 0 to 2'],
    [
      'fractional labels',
      images,
      idx(13, [3], new Uint8Array(12)),
      'labels must be whole numbers but are float32',
    ],
    ['images without pixels', idx(8, [3, 0, 2], []), labels, 'its images have no pixels, 3x0x2'],
    [
      'five dimensions',
      idx(8, [3, 1, 1, 1, 1], [1, 2, 3]),
      labels,
      'expected images, two to four dimensions',
    ],
  ])('refuses %s', async (_, imageBytes, labelBytes, message) => {
    const pair = [await put('mixed-images', imageBytes), await put('mixed-labels', labelBytes)] as const;
    const loading = loadIdx(...pair, { classes: ['a', 'b', 'c'] });
    await expect(loading).rejects.toThrow(FormatError);
    await expect(loading).rejects.toThrow(new RegExp(message));
    await expect(loading).rejects.toThrow(/mixed-(images|labels)/);
  });

  it('names a file that cannot be read, and an unknown option', async () => {
    const missing = loadIdx(join(directory, 'missing'), await put('labels', labels));
    await expect(missing).rejects.toThrow(DataError);
    await expect(missing).rejects.toThrow(/cannot read .*missing: no such file or directory/);
    await expect(loadIdx(directory, directory)).rejects.toThrow(/it is a directory/);
    await expect(loadIdx('a', 'b', { names: [] } as never)).rejects.toThrow(OptionError);
  });
});
