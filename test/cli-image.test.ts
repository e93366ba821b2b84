import { deflateSync } from 'node:zlib';
import { encode } from 'fast-png';
import { describe, expect, test } from 'vitest';
import { decodeGrey } from '../src/cli/image.js';
import { prepareImage } from '../src/cli/prepare.js';
import { fashionMnist } from '../src/data/index.node.js';
import { FormatError } from '../src/errors.js';

const { test: images } = await fashionMnist();
const original = (index: number) => images.get(index).image as Uint8Array;

/** Decodes and prepares a PNG as `twill predict` does. */
function prepare(png: Uint8Array, invert?: boolean) {
  return prepareImage(decodeGrey(png, 'x.png'), 28, invert);
}

function grey(width: number, height: number, at: (x: number, y: number) => number): Uint8Array {
  const data = Uint8Array.from({ length: width * height }, (_, i) => at(i % width, Math.floor(i / width)));
  return encode({ width, height, data, channels: 1 });
}

const small = (index: number, change = (value: number) => value) =>
  grey(28, 28, (x, y) => change(original(index)[y * 28 + x]!));

const distance = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a, (value, i) => Math.abs(value - b[i]!)).reduce((x, y) => x + y) / a.length;

/** The part of an image that is not background. */
function box(image: Uint8Array) {
  const lit = Array.from(image.keys()).filter((i) => image[i]! > 16);
  const columns = lit.map((i) => i % 28);
  const rows = lit.map((i) => Math.floor(i / 28));
  const left = Math.min(...columns);
  return { left, width: Math.max(...columns) - left + 1, height: Math.max(...rows) - Math.min(...rows) + 1 };
}

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

/** A PNG file put together by hand, for what the encoder does not write. */
function rawPng(
  width: number,
  height: number,
  depth: number,
  colorType: number,
  rows: Buffer,
  extra: Buffer[] = [],
) {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length);
    body.copy(out, 4);
    out.writeUInt32BE(crc32(body), body.length + 4);
    return out;
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header.set([depth, colorType, 0, 0, 0], 8);
  const others = extra.map((data) => chunk(data.subarray(0, 4).toString(), data.subarray(4)));
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk('IHDR', header),
    ...others,
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

describe('what the network gets to see of a PNG', () => {
  test('an image as it is in the data set stays as it is, whatever it shows', () => {
    for (let index = 0; index < 300; index++) {
      const { pixels, inverted, steps } = prepare(small(index));
      expect(inverted).toBe(false);
      expect(steps).toEqual([]);
      expect(Buffer.compare(pixels, original(index))).toBe(0);
    }
  });

  test('dark on light is inverted, and says so', () => {
    for (let index = 0; index < 300; index++) {
      const { pixels, steps } = prepare(small(index, (value) => 255 - value));
      expect(steps).toEqual(['inverted (light background)']);
      expect(Buffer.compare(pixels, original(index))).toBe(0);
    }
  });

  test('the polarity can be dictated', () => {
    expect(prepare(small(0), true).pixels[0]).toBe(255 - original(0)[0]!);
    expect(
      prepare(
        small(0, (value) => 255 - value),
        false,
      ).inverted,
    ).toBe(false);
  });

  test('a large photograph-like copy comes out as the original, moved to the middle', () => {
    const tall = Array.from({ length: 60 }, (_, index) => index).filter(
      (index) => box(original(index)).height === 28,
    );
    expect(tall.length).toBeGreaterThan(20);
    for (const index of tall) {
      // Ten times as large, dark on off-white, off the middle of a wider frame.
      const png = grey(400, 330, (x, y) => {
        const [u, v] = [Math.floor((x - 60) / 10), Math.floor((y - 25) / 10)];
        const inside = u >= 0 && u < 28 && v >= 0 && v < 28;
        return Math.round(250 - (inside ? original(index)[v * 28 + u]! : 0) * 0.95);
      });
      const { pixels, inverted, steps } = prepare(png);
      expect(inverted).toBe(true);
      expect(steps.join()).toContain('scaled from 400 x 330 to 28 x 28');
      const { left, width } = box(original(index));
      const shift = left - Math.floor((28 - width) / 2);
      const moved = Array.from(pixels, (_, i) => {
        const x = (i % 28) + shift;
        return x < left || x >= left + width ? 0 : original(index)[i + shift]!;
      });
      // The filter mixes neighbours where the reduction is no whole number of pixels.
      expect(distance(pixels, moved)).toBeLessThan(12);
    }
  });

  test('shapes keep their proportions and lie in the middle', () => {
    const { pixels } = prepare(grey(100, 50, (x, y) => (x >= 20 && x < 60 && y >= 10 && y < 30 ? 255 : 0)));
    const lit = (x: number, y: number) => pixels[y * 28 + x]! > 127;
    expect([lit(0, 14), lit(27, 14), lit(14, 7), lit(14, 20), lit(14, 5), lit(14, 22)]).toEqual([
      true,
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  test('one pixel, and nothing but background', () => {
    expect(prepare(grey(1, 1, () => 90)).pixels).toEqual(new Uint8Array(784));
    expect(prepare(grey(50, 20, () => 255)).pixels).toEqual(new Uint8Array(784));
    expect(Math.max(...prepare(grey(3000, 2, () => 0)).pixels)).toBe(0);
  });
});

describe('every kind of PNG', () => {
  const [width, height] = [28, 28];
  const source = original(1);
  const spread = (channels: number, of: (value: number, channel: number) => number) =>
    Uint8Array.from({ length: 784 * channels }, (_, i) =>
      of(source[Math.floor(i / channels)]!, i % channels),
    );

  test('16 bits, colour, alpha', () => {
    const wide = Uint16Array.from(source, (value) => value * 257);
    const files = [
      encode({ width, height, data: wide, channels: 1, depth: 16 }),
      encode({ width, height, data: spread(2, (value, c) => (c === 1 ? 255 : value)), channels: 2 }),
      encode({ width, height, data: spread(3, (value) => value), channels: 3 }),
      encode({ width, height, data: spread(4, (value, c) => (c === 3 ? 255 : value)), channels: 4 }),
    ];
    for (const file of files) expect(Buffer.compare(prepare(file).pixels, source)).toBe(0);
  });

  test('colours weigh as the eye sees them', () => {
    const pixel = (rgb: number[]) =>
      decodeGrey(encode({ width: 1, height: 1, data: Uint8Array.from(rgb), channels: 3 }), 'x').grey[0]!;
    expect(pixel([255, 0, 0])).toBeCloseTo(76.2, 0);
    expect(pixel([0, 255, 0])).toBeCloseTo(149.7, 0);
    expect(pixel([0, 0, 255])).toBeCloseTo(29.1, 0);
  });

  test('cut out on transparency, light or dark', () => {
    const light = encode({
      width,
      height,
      data: spread(2, (value, c) => (c === 1 ? (value > 0 ? 255 : 0) : value)),
      channels: 2,
    });
    expect(Buffer.compare(prepare(light).pixels, source)).toBe(0);
    const dark = encode({ width, height, data: spread(4, (value, c) => (c === 3 ? value : 0)), channels: 4 });
    const { pixels, inverted } = prepare(dark);
    expect(inverted).toBe(true);
    expect(Buffer.compare(pixels, source)).toBe(0);
  });

  test.each([1, 2, 4])('grey of %i bits', (depth) => {
    // Nine wide, so that rows end within a byte.
    const full = 2 ** depth - 1;
    const rowBytes = Math.ceil((9 * depth) / 8);
    const rows = Buffer.alloc(3 * (1 + rowBytes));
    const value = (x: number, y: number) => (x + y) % (full + 1);
    for (let y = 0; y < 3; y++) {
      for (let x = 0; x < 9; x++) {
        const bit = x * depth;
        rows[y * (1 + rowBytes) + 1 + (bit >> 3)]! |= value(x, y) << (8 - depth - (bit & 7));
      }
    }
    const { grey: decoded } = decodeGrey(rawPng(9, 3, depth, 0, rows), 'x');
    const wanted = Array.from(decoded, (_, i) => (value(i % 9, Math.floor(i / 9)) / full) * 255);
    expect(distance(decoded, wanted)).toBeLessThan(1e-3);
  });

  test('palettes, with and without transparency', () => {
    const palette = Buffer.from('PLTE\x00\x00\x00\xff\xff\xff\x80\x80\x80', 'latin1');
    const rows = Buffer.from([0, 0b00011000, 0, 0b01000000]);
    const plain = decodeGrey(rawPng(3, 2, 2, 3, rows, [palette]), 'x');
    expect([...plain.grey].map(Math.round)).toEqual([0, 255, 128, 255, 0, 0]);
    const clear = decodeGrey(rawPng(3, 2, 2, 3, rows, [palette, Buffer.from('tRNS\x00', 'latin1')]), 'x');
    // What is not transparent is light, so black shows behind.
    expect([...clear.grey].map(Math.round)).toEqual([0, 255, 128, 255, 0, 0]);
  });
});

describe('what is no picture', () => {
  const good = Buffer.from(small(0));
  const damaged = Buffer.from(good);
  damaged[60]! ^= 0xff;
  const huge = Buffer.from(good);
  huge.writeUInt32BE(100_000, 16);
  huge.writeUInt32BE(100_000, 20);
  const flat = rawPng(0, 5, 8, 0, Buffer.alloc(0));
  const short = rawPng(28, 28, 8, 0, Buffer.alloc(29));

  test.each([
    ['text', Buffer.from('hello'), /shoe\.png is neither a PNG nor a JPEG file/],
    ['nothing', Buffer.alloc(0), /shoe\.png is neither a PNG nor a JPEG file/],
    ['a header alone', good.subarray(0, 20), /shoe\.png is a damaged PNG file/],
    ['a file cut short', good.subarray(0, 200), /shoe\.png is a damaged PNG file/],
    ['a flipped byte', damaged, /shoe\.png is a damaged PNG file/],
    ['too few rows', short, /shoe\.png is a damaged PNG file/],
    ['100000 x 100000 pixels', huge, /shoe\.png is 100000 x 100000 pixels/],
    ['no width', flat, /shoe\.png is 0 x 5 pixels/],
  ])('%s is refused by name', (_, bytes, message) => {
    expect(() => decodeGrey(bytes, 'shoe.png')).toThrow(FormatError);
    expect(() => decodeGrey(bytes, 'shoe.png')).toThrow(message);
  });
});
