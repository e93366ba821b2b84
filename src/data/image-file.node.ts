import { convertIndexedToRgb, type DecodedPng, decode, hasPngSignature } from 'fast-png';
import { decode as decodeJpeg } from 'jpeg-js';
import { FormatError } from '../errors.js';
import { trustedPng } from './png-chunks.node.js';

/** Samples of an image file, pixel by pixel: grey, grey + alpha, RGB or RGBA. */
export interface DecodedImage {
  readonly width: number;
  readonly height: number;
  /** Samples a pixel, 1 to 4. */
  readonly channels: number;
  /** The largest value of a sample. */
  readonly full: number;
  readonly data: ArrayLike<number>;
  /** The colour that counts as transparent, where the file names one. */
  readonly key?: ArrayLike<number> | undefined;
}

/** 64 megapixels: beyond any camera's, and with every buffer here still under 1 GB. */
const MOST_PIXELS = 2 ** 26;

/**
 * Decodes a PNG or JPEG file of any size, colour type and bit depth.
 * @param name the file's name, for messages
 * @throws FormatError when the bytes are neither, damaged, or of more than 2^26 pixels
 */
export function decodeImage(bytes: Uint8Array, name: string): DecodedImage {
  if (hasPngSignature(bytes)) return decodePngFile(bytes, name);
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return decodeJpegFile(bytes, name);
  throw new FormatError(`${name} is neither a PNG nor a JPEG file`);
}

function decodePngFile(bytes: Uint8Array, name: string): DecodedImage {
  try {
    return samplesOf(decode(trustedPng(bytes, name, MOST_PIXELS), { checkCrc: true }));
  } catch (error) {
    if (error instanceof FormatError) throw error;
    throw new FormatError(`${name} is a damaged PNG file: ${(error as Error).message}`);
  }
}

/** A block of 64 pixels takes one bit at least: a header that promises more lies. */
const MOST_PIXELS_A_BYTE = 8 * 64;

function decodeJpegFile(bytes: Uint8Array, name: string): DecodedImage {
  try {
    const { width, height, data } = decodeJpeg(bytes, {
      useTArray: true,
      formatAsRGBA: false,
      tolerantDecoding: false,
      maxResolutionInMP: Math.min(MOST_PIXELS, bytes.length * MOST_PIXELS_A_BYTE) / 1e6,
      maxMemoryUsageInMB: 1024,
    });
    return { width, height, channels: 3, full: 255, data };
  } catch (error) {
    throw new FormatError(`${name} cannot be read as a JPEG file: ${(error as Error).message}`);
  }
}

function samplesOf(png: DecodedPng): DecodedImage {
  const { width, height } = png;
  const pixels = width * height;
  if (png.palette !== undefined) {
    const data = convertIndexedToRgb(png);
    return { width, height, channels: data.length / pixels, full: 255, data };
  }
  const full = 2 ** png.depth - 1;
  const data = png.depth < 8 ? unpackBits(png) : png.data;
  if (data.length !== pixels * png.channels) {
    throw new Error(`expected ${pixels * png.channels} samples but got ${data.length}`);
  }
  return { width, height, channels: png.channels, full, data, key: png.transparency };
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

/** Grey of a colour, ITU-R BT.601. */
export function luma(red: number, green: number, blue: number): number {
  return 0.299 * red + 0.587 * green + 0.114 * blue;
}
