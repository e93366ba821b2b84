import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode, encode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadImageFolder } from '../src/data/index.node.js';
import { DataError, FormatError, OptionError } from '../src/errors.js';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'twill-folder-'));
});
afterAll(() => rmSync(root, { recursive: true }));

/** A picture saved as JPEG by Chromium, and as PNG what Chromium then shows of it. */
const [photo, shown] = [readFileSync('test/fixtures/photo.jpg'), readFileSync('test/fixtures/photo.png')];

function folder(name: string, files: Readonly<Record<string, Uint8Array | string>>): string {
  for (const [path, bytes] of Object.entries(files)) {
    mkdirSync(join(root, name, path, '..'), { recursive: true });
    writeFileSync(join(root, name, path), bytes);
  }
  return join(root, name);
}

const colour = (width: number, height: number, rgb: readonly number[]) =>
  encode({
    width,
    height,
    channels: 3,
    data: Uint8Array.from({ length: 3 * width * height }, (_, i) => rgb[i % 3]!),
  });

describe('loadImageFolder', () => {
  it('takes each folder for a class, in the order of names, and PNG and JPEG files in theirs', async () => {
    const data = await loadImageFolder(
      folder('good', {
        'dog/b.png': colour(24, 16, [1, 2, 3]),
        'dog/a.PNG': colour(24, 16, [4, 5, 6]),
        'cat/1.jpg': photo,
        'cat/readme.txt': 'not an image',
        'list.csv': '',
      }),
    );
    expect([data.length, data.shape, data.classes]).toEqual([3, [3, 16, 24], ['cat', 'dog']]);
    expect([...data.labels]).toEqual([0, 1, 1]);
    const size = 16 * 24;
    const means = [0, 1, 2].map((channel) => data.get(1).image[channel * size + 7]);
    expect(means).toEqual([4, 5, 6]);
    expect(data.get(2).image[0]).toBe(1);
  });

  it('reads a JPEG as a browser shows it', async () => {
    const data = await loadImageFolder(folder('photo', { 'a/photo.jpg': photo }));
    const { data: pixels, channels } = decode(shown);
    const size = 16 * 24;
    const luma = (rgb: (channel: number) => number) => 0.299 * rgb(0) + 0.587 * rgb(1) + 0.114 * rgb(2);
    // A JPEG keeps colours at half the size, and decoders interpolate them each in its way: brightness is exact.
    for (let i = 0; i < size; i++) {
      const ours = luma((channel) => data.images[channel * size + i]!);
      expect(Math.abs(ours - luma((channel) => pixels[i * channels + channel]!))).toBeLessThan(3);
    }
    expect(data.images[0]! - data.images[2 * size]!).toBeGreaterThan(100);
  });

  it('scales to a size, and makes grey or colours of what there is', async () => {
    const halves = Uint8Array.from({ length: 64 }, (_, i) => (i % 8 < 4 ? 200 : 100));
    const path = folder('sizes', {
      'a/1.png': encode({ width: 8, height: 8, channels: 1, data: halves }),
      'a/2.png': colour(30, 10, [10, 100, 200]),
    });
    const grey = await loadImageFolder(path, { size: [4, 2], channels: 1 });
    expect(grey.shape).toEqual([1, 4, 2]);
    expect([...grey.get(0).image]).toEqual([200, 100, 200, 100, 200, 100, 200, 100]);
    expect(grey.get(1).image[0]).toBe(Math.round(0.299 * 10 + 0.587 * 100 + 0.114 * 200));
    const colours = await loadImageFolder(path, { size: 4 });
    expect(colours.shape).toEqual([3, 4, 4]);
    expect([0, 16, 32].map((at) => colours.get(1).image[at])).toEqual([10, 100, 200]);
  });

  it('names the folder or file that is wrong', async () => {
    const odd = folder('odd', { 'a/1.png': colour(8, 8, [0, 0, 0]), 'b/1.png': colour(9, 8, [0, 0, 0]) });
    await expect(loadImageFolder(odd)).rejects.toThrow(
      `${join(odd, 'b', '1.png')} is 9 x 8 pixels but those before it 8 x 8: say which size`,
    );
    const broken = folder('broken', { 'a/1.jpg': photo.subarray(0, photo.length / 2) });
    await expect(loadImageFolder(broken)).rejects.toThrow(FormatError);
    await expect(loadImageFolder(broken)).rejects.toThrow(/1\.jpg cannot be read as a JPEG file: /);
    const text = folder('text', { 'a/1.png': 'hello' });
    await expect(loadImageFolder(text)).rejects.toThrow(/1\.png is neither a PNG nor a JPEG file/);
    await expect(loadImageFolder(folder('flat', { '1.png': photo }))).rejects.toThrow('holds no folders');
    await expect(loadImageFolder(folder('empty', { 'a/x.txt': '' }))).rejects.toThrow(
      'holds no PNG or JPEG files',
    );
    await expect(loadImageFolder(join(root, 'nowhere'))).rejects.toThrow(DataError);
    await expect(loadImageFolder(odd, { channels: 2 as never })).rejects.toThrow(OptionError);
  });
});
