import { convertIndexedToRgb, type DecodedPng, decode, hasPngSignature } from 'fast-png';
import { FormatError } from '../errors.js';

/** A grey image, 0 black to 255 white, row by row. */
export interface GreyImage {
  readonly width: number;
  readonly height: number;
  readonly grey: Float32Array;
}

/** 64 megapixels: beyond any camera's, and with every buffer here still under 1 GB. */
const MOST_PIXELS = 2 ** 26;

/**
 * Decodes a PNG file of any size, colour type and bit depth to grey (ITU-R BT.601 luma). What is transparent shows a
 * background that contrasts with what is not: white behind dark, black behind light.
 * @param name the file's name, for messages
 * @throws FormatError when the bytes are no PNG, damaged, or of more than 2^26 pixels
 */
export function decodeGrey(bytes: Uint8Array, name: string): GreyImage {
  if (!hasPngSignature(bytes)) throw new FormatError(`${name} is not a PNG file`);
  checkSize(bytes, name);
  let png: DecodedPng;
  let rgba: Rgba;
  try {
    png = decode(bytes, { checkCrc: true });
    rgba = toRgba(png);
  } catch (error) {
    throw new FormatError(`${name} is a damaged PNG file: ${(error as Error).message}`);
  }
  return { width: png.width, height: png.height, grey: flatten(rgba) };
}

/** The header says the size before any of the image is unpacked: IHDR follows the signature, width at byte 16. */
function checkSize(bytes: Uint8Array, name: string): void {
  if (bytes.length < 24) throw new FormatError(`${name} is a damaged PNG file: it ends in its header`);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const width = view.getUint32(16);
  const height = view.getUint32(20);
  if (width === 0 || height === 0 || width * height > MOST_PIXELS) {
    throw new FormatError(`${name} is ${width} x ${height} pixels, but 1 to 2^26 pixels can be read`);
  }
}

/** Samples of a pixel, `channels` of them (grey, grey + alpha, RGB or RGBA), each from 0 to `full`. */
interface Rgba {
  readonly pixels: number;
  readonly channels: number;
  readonly full: number;
  readonly data: ArrayLike<number>;
  /** The colour that counts as transparent, where the file names one. */
  readonly key?: ArrayLike<number> | undefined;
}

function toRgba(png: DecodedPng): Rgba {
  const pixels = png.width * png.height;
  if (png.palette !== undefined) {
    const data = convertIndexedToRgb(png);
    return { pixels, channels: data.length / pixels, full: 255, data };
  }
  const full = 2 ** png.depth - 1;
  const data = png.depth < 8 ? unpackBits(png) : png.data;
  if (data.length !== pixels * png.channels) {
    throw new Error(`expected ${pixels * png.channels} samples but got ${data.length}`);
  }
  return { pixels, channels: png.channels, full, data, key: png.transparency };
}

/** Grey of 1, 2 or 4 bits a pixel; every row starts on a byte. */
function unpackBits({ width, height, depth, data }: DecodedPng): Uint8Array {
  const samples = new Uint8Array(width * height);
  const rowBytes = Math.ceil((width * depth) / 8);
  const mask = 2 ** depth - 1;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const bit = x * depth;
      samples[y * width + x] = (data[y * rowBytes + (bit >> 3)]! >> (8 - depth - (bit & 7))) & mask;
    }
  }
  return samples;
}

function flatten({ pixels, channels, full, data, key }: Rgba): Float32Array {
  const colors = channels < 3 ? 1 : 3;
  const luma = new Float32Array(pixels);
  const alpha = new Float32Array(pixels);
  let opaque = 0;
  let light = 0;
  for (let i = 0; i < pixels; i++) {
    const at = i * channels;
    const value =
      colors === 1 ? data[at]! : 0.299 * data[at]! + 0.587 * data[at + 1]! + 0.114 * data[at + 2]!;
    luma[i] = (value / full) * 255;
    alpha[i] = channels > colors ? data[at + colors]! / full : isKey(data, at, colors, key) ? 0 : 1;
    opaque += alpha[i]!;
    light += alpha[i]! * luma[i]!;
  }
  const behind = light < 127.5 * opaque ? 255 : 0;
  for (let i = 0; i < pixels; i++) luma[i] = luma[i]! * alpha[i]! + behind * (1 - alpha[i]!);
  return luma;
}

function isKey(data: ArrayLike<number>, at: number, colors: number, key: Rgba['key']): boolean {
  if (key === undefined) return false;
  for (let c = 0; c < colors; c++) if (data[at + c] !== key[c]) return false;
  return true;
}
