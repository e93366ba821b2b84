import { type DecodedImage, decodeImage, luma } from '../data/image-file.node.js';

/** A grey image, 0 black to 255 white, row by row. */
export interface GreyImage {
  readonly width: number;
  readonly height: number;
  readonly grey: Float32Array;
}

/**
 * Decodes a PNG or JPEG file to grey. What is transparent shows a background that contrasts with what is not: white
 * behind dark, black behind light.
 * @param name the file's name, for messages
 * @throws FormatError when the bytes are neither, damaged, or of more than 2^26 pixels
 */
export function decodeGrey(bytes: Uint8Array, name: string): GreyImage {
  const image = decodeImage(bytes, name);
  return { width: image.width, height: image.height, grey: flatten(image) };
}

function flatten({ width, height, channels, full, data, key }: DecodedImage): Float32Array {
  const pixels = width * height;
  const colors = channels < 3 ? 1 : 3;
  const grey = new Float32Array(pixels);
  const alpha = new Float32Array(pixels);
  let opaque = 0;
  let light = 0;
  for (let i = 0; i < pixels; i++) {
    const at = i * channels;
    const value = colors === 1 ? data[at]! : luma(data[at]!, data[at + 1]!, data[at + 2]!);
    grey[i] = (value / full) * 255;
    alpha[i] = channels > colors ? data[at + colors]! / full : isKey(data, at, colors, key) ? 0 : 1;
    opaque += alpha[i]!;
    light += alpha[i]! * grey[i]!;
  }
  const behind = light < 127.5 * opaque ? 255 : 0;
  for (let i = 0; i < pixels; i++) grey[i] = grey[i]! * alpha[i]! + behind * (1 - alpha[i]!);
  return grey;
}

function isKey(data: ArrayLike<number>, at: number, colors: number, key: DecodedImage['key']): boolean {
  if (key === undefined) return false;
  for (let c = 0; c < colors; c++) if (data[at + c] !== key[c]) return false;
  return true;
}
