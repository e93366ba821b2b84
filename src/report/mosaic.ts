import { encode } from 'fast-png';
import { element } from './svg.js';
import { pngAddress } from './tile.js';

/** Planes of numbers side by side, each drawn a pixel a number. */
export interface Planes {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  value(plane: number, y: number, x: number): number;
}

/** Seen on white and on black paper alike. */
const POSITIVE = [226, 106, 30] as const;
const NEGATIVE = [48, 128, 224] as const;
/** What is nought shows the plane's extent, of 255. */
const FAINTEST = 26;

/**
 * Draws planes, `columns` of them in a row with a pixel's gap: positive numbers orange, negative ones blue, the fuller
 * the further from nought; what is nought lets the paper through.
 * @param scale pixels of the drawing a number
 */
export function mosaic(planes: Planes, columns: number, x: number, y: number, scale: number): string {
  const { width, height } = mosaicSize(planes, columns);
  const data = new Uint8Array(4 * width * height);
  const most = largest(planes);
  for (let plane = 0; plane < planes.count; plane++) {
    const left = (plane % columns) * (planes.width + 1);
    const top = Math.floor(plane / columns) * (planes.height + 1);
    for (let row = 0; row < planes.height; row++) {
      for (let column = 0; column < planes.width; column++) {
        const value = planes.value(plane, row, column) / most;
        const at = 4 * ((top + row) * width + left + column);
        data.set(value < 0 ? NEGATIVE : POSITIVE, at);
        data[at + 3] = Math.round(FAINTEST + (255 - FAINTEST) * Math.abs(value)) || FAINTEST;
      }
    }
  }
  return element('image', {
    x,
    y,
    width: width * scale,
    height: height * scale,
    'image-rendering': 'optimizeSpeed',
    href: pngAddress(encode({ width, height, data, channels: 4, depth: 8 })),
  });
}

/** Of a mosaic, in numbers. */
export function mosaicSize({ count, width, height }: Planes, columns: number) {
  const rows = Math.ceil(count / columns);
  return { width: Math.min(count, columns) * (width + 1) - 1, height: rows * (height + 1) - 1 };
}

function largest({ count, width, height, value }: Planes): number {
  let most = 0;
  for (let plane = 0; plane < count; plane++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) most = Math.max(most, Math.abs(value(plane, y, x)) || 0);
    }
  }
  return most || 1;
}
