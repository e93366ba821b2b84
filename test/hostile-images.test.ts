import { readFileSync } from 'node:fs';
import { crc32, deflateSync } from 'node:zlib';
import { encode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { decodeImage } from '../src/data/image-file.node.js';
import { FormatError } from '../src/index.node.js';

// Images that would fill the memory: each of some kilobytes at most.

function chunk(type: string, content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + content.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, content.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(content, 8);
  view.setUint32(8 + content.length, crc32(bytes.subarray(4, 8 + content.length)));
  return bytes;
}

function header(width: number, height: number, depth = 8, colour = 0, interlaced = 0): Uint8Array {
  const content = new Uint8Array(13);
  new DataView(content.buffer).setUint32(0, width);
  new DataView(content.buffer).setUint32(4, height);
  content.set([depth, colour, 0, 0, interlaced], 8);
  return chunk('IHDR', content);
}

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const END = chunk('IEND', new Uint8Array(0));
const png = (...chunks: Uint8Array[]) => new Uint8Array(Buffer.concat([SIGNATURE, ...chunks, END]));
const rows = (bytes: number) => chunk('IDAT', deflateSync(new Uint8Array(bytes)));
const BOMB = rows(2 ** 26);

/** Refused by name, and without taking memory for what it promises. */
function refused(bytes: Uint8Array, message: RegExp): void {
  const before = process.memoryUsage().rss;
  let error: unknown;
  try {
    decodeImage(bytes, 'bad');
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(FormatError);
  expect((error as Error).message).toMatch(message);
  expect(process.memoryUsage().rss - before).toBeLessThan(30e6);
}

describe('a PNG file', () => {
  it('that is whole is read, also with chunks that are no part of the image', () => {
    const data = Uint8Array.of(1, 2, 3, 4, 5, 6);
    const plain = encode({ width: 3, height: 2, channels: 1, data });
    const bomb = chunk('iCCP', Buffer.concat([Buffer.from('p\0\0'), deflateSync(new Uint8Array(2 ** 26))]));
    const text = chunk('tEXt', new TextEncoder().encode('__proto__\0x'));
    const before = process.memoryUsage().rss;
    const more = Buffer.concat([plain.subarray(0, 33), bomb, text, plain.subarray(33)]);
    expect(decodeImage(new Uint8Array(more), 'x')).toMatchObject({ width: 3, height: 2, data });
    expect(process.memoryUsage().rss - before).toBeLessThan(30e6);
  });

  it.each([
    ['unpacks to more than its header says', png(header(1, 1), BOMB), /^bad is a damaged PNG file: /],
    [
      'unpacks to less',
      png(header(8000, 8000, 16, 6), rows(100)),
      /takes 512008000 bytes but it unpacks to 100$/,
    ],
    [
      'unpacks to less, interlaced',
      png(header(5, 5, 8, 0, 1), rows(34)),
      /takes 36 bytes but it unpacks to 34/,
    ],
    [
      'has a second header',
      png(header(1, 1), rows(2), header(60000, 60000)),
      /not one header, at its beginning/,
    ],
    ['has its header later', png(rows(2), header(1, 1)), /not one header/],
    ['has none', png(), /not one header/],
    ['is too large', png(header(2 ** 16, 2 ** 16)), /^bad is 65536 x 65536 pixels, but 1 to 2\^26/],
    ['has no pixels', png(header(0, 5)), /^bad is 0 x 5 pixels/],
    ['has bits of no known depth', png(header(1, 1, 255, 6), rows(200)), /bit depth: 255/],
    ['has a colour type of its own', png(header(1, 1, 8, 5), rows(2)), /colour type is 5/],
    ['has a chunk beyond its end', png(header(1, 1)).subarray(0, 40), /ends after 40 bytes, within a chunk/],
  ])('that %s is refused', (_, bytes, message) => refused(bytes, message));
});

describe('a JPEG file', () => {
  const photo = new Uint8Array(readFileSync(new URL('fixtures/photo.jpg', import.meta.url)));

  it('that says it is larger than its bytes can be is refused', () => {
    const bytes = photo.slice();
    const frame = bytes.findIndex((byte, at) => byte === 0xff && bytes[at + 1] === 0xc0);
    new DataView(bytes.buffer).setUint32(frame + 5, 0x20002000); // 8192 x 8192
    refused(bytes, /^bad cannot be read as a JPEG file: maxResolutionInMP limit exceeded/);
  });
});
