import { decode } from 'fast-png';

/** A grey image of one byte a pixel, row by row. */
export interface Grey {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

/**
 * Decodes a PNG file of 8 bits a channel, grey or in colours (ITU-R BT.601 luma); transparency is ignored. Throws
 * where it is none. fast-png is a dependency of Twill's command line; other formats take another decoder.
 */
export function decodeGrey(bytes: Uint8Array): Grey {
  const { width, height, channels, depth, palette, data } = decode(bytes);
  if (depth !== 8 || palette !== undefined) {
    throw new Error(
      `expected 8 bits a channel and no palette but got ${depth}${palette ? ', a palette' : ''}`,
    );
  }
  const pixels = new Uint8Array(width * height);
  for (let i = 0; i < pixels.length; i++) {
    const [r, g, b] = data.subarray(i * channels, (i + 1) * channels) as Uint8Array;
    pixels[i] = channels < 3 ? r! : Math.round(0.299 * r! + 0.587 * g! + 0.114 * b!);
  }
  return { width, height, pixels };
}
