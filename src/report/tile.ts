import { encode } from 'fast-png';
import { element } from './svg.js';

/** Labelled images as the galleries need them; an `ImageDataset` is one. */
export interface Gallery {
  /** N*C*H*W, NCHW; bytes 0..255, or floats. */
  readonly images: Uint8Array | Float32Array;
  /** The class of each image. */
  readonly labels: Uint8Array | Int32Array;
  /** Channels, height and width of one image. */
  readonly shape: readonly [channels: number, height: number, width: number];
  /** Name of each class; the label is the index. */
  readonly classes?: readonly string[] | undefined;
}

/** The name of a class, or its number where it has none. */
export function className(gallery: Gallery, label: number): string {
  return gallery.classes?.[label] ?? `class ${label}`;
}

/**
 * Draws image number `index` with its longer side `size` pixels long, its pixels staying square and crisp.
 * One channel is grey, three are red, green and blue; of any other number the first is shown.
 */
export function tile(gallery: Gallery, index: number, x: number, y: number, size: number): string {
  const [, height, width] = gallery.shape;
  const scale = size / Math.max(height, width);
  const drawn = { width: width * scale, height: height * scale };
  return element('image', {
    x: x + (size - drawn.width) / 2,
    y: y + (size - drawn.height) / 2,
    ...drawn,
    'image-rendering': 'optimizeSpeed',
    href: pngAddress(pngOf(gallery, index)),
  });
}

function pngOf(gallery: Gallery, index: number): Uint8Array {
  const [channels, height, width] = gallery.shape;
  const plane = height * width;
  const shown = channels === 3 ? 3 : 1;
  const start = index * channels * plane;
  const pixels = gallery.images.subarray(start, start + shown * plane);
  const byte = pixels instanceof Uint8Array ? (value: number) => value : toByte(pixels);
  const data = new Uint8Array(shown * plane);
  for (let c = 0; c < shown; c++) {
    for (let i = 0; i < plane; i++) data[i * shown + c] = byte(pixels[c * plane + i]!);
  }
  return encode({ width, height, data, channels: shown, depth: 8 });
}

/** Floats within 0..1 are taken as they are; others, normalised images say, are stretched from least to greatest. */
function toByte(pixels: Float32Array): (value: number) => number {
  let low = 0;
  let high = 1;
  for (const value of pixels) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return (value) => Math.round(((value - low) / (high - low)) * 255) || 0;
}

/** A PNG's bytes as an address that holds them. */
export function pngAddress(png: Uint8Array): string {
  return `data:image/png;base64,${base64(png)}`;
}

function base64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}
