import { inflateSync } from 'node:zlib';
import { FormatError } from '../errors.js';

/** What the header of a PNG file says. */
interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly channels: number;
  readonly interlaced: boolean;
}

/** The chunks that pixels depend on. Profiles and texts, which may unpack to anything, are left out. */
const KEPT = ['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND'];
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
/** A signature, then chunks: length, type, content, checksum. */
const SIGNATURE_BYTES = 8;
const CHUNK_BYTES = 12;
/** Encoders leave some bytes behind the last row now and then. */
const SPARE_BYTES = 2 ** 16;

/** Where Adam7's passes begin and how far apart their pixels are. */
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/**
 * The file with nothing but its image, once that is known to unpack to as many bytes as the header says: a decoder that
 * takes it on may trust the header, and makes nothing larger than the image. Throws a plain error with the reason, and
 * `FormatError` for an image that is too large.
 * @param mostPixels of an image
 */
export function trustedPng(bytes: Uint8Array, name: string, mostPixels: number): Uint8Array {
  const parts: Uint8Array[] = [bytes.subarray(0, SIGNATURE_BYTES)];
  const packed: Uint8Array[] = [];
  let header: Header | undefined;
  for (const { type, whole, content } of chunksOf(bytes)) {
    if ((type === 'IHDR') !== (header === undefined))
      throw new Error('it has not one header, at its beginning');
    header ??= parseHeader(content, name, mostPixels);
    if (type === 'IDAT') packed.push(content);
    if (KEPT.includes(type)) parts.push(whole);
  }
  if (header === undefined) throw new Error('it ends in its header');
  const expected = rawBytes(header);
  const held = inflateSync(Buffer.concat(packed), { maxOutputLength: expected + SPARE_BYTES }).length;
  if (held < expected) throw new Error(`its image takes ${expected} bytes but it unpacks to ${held}`);
  return Buffer.concat(parts);
}

function* chunksOf(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let type = '';
  for (let at = SIGNATURE_BYTES; type !== 'IEND';) {
    const length = at + CHUNK_BYTES > bytes.length ? Number.POSITIVE_INFINITY : view.getUint32(at);
    const end = at + CHUNK_BYTES + length;
    if (end > bytes.length) throw new Error(`it ends after ${bytes.length} bytes, within a chunk`);
    type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    yield { type, whole: bytes.subarray(at, end), content: bytes.subarray(at + 8, end - 4) };
    at = end;
  }
}

function parseHeader(content: Uint8Array, name: string, mostPixels: number): Header {
  if (content.length !== 13) throw new Error(`its header has ${content.length} bytes`);
  const view = new DataView(content.buffer, content.byteOffset);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  if (width === 0 || height === 0 || width * height > mostPixels) {
    throw new FormatError(
      `${name} is ${width} x ${height} pixels, but 1 to 2^${Math.log2(mostPixels)} pixels can be read`,
    );
  }
  const [depth, colour, , , interlace] = content.subarray(8) as unknown as [
    number,
    number,
    number,
    number,
    number,
  ];
  const channels = CHANNELS[colour];
  if (channels === undefined) throw new Error(`its colour type is ${colour}`);
  return { width, height, depth, channels, interlaced: interlace === 1 };
}

/** Rows of all passes, a byte for the filter before each. */
function rawBytes({ width, height, depth, channels, interlaced }: Header): number {
  const pass = (columns: number, rows: number) =>
    columns === 0 ? 0 : rows * (1 + Math.ceil((columns * depth * channels) / 8));
  if (!interlaced) return pass(width, height);
  let bytes = 0;
  for (const [x, y, dx, dy] of PASSES) {
    bytes += pass(Math.ceil(Math.max(width - x, 0) / dx), Math.ceil(Math.max(height - y, 0) / dy));
  }
  return bytes;
}
