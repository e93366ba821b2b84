import type { Pixels } from '../data/dataset.js';

/** Bytes a message: some milliseconds of copying, so that the page stays alive while it sends many. */
export const PIECE = 4 * 2 ** 20;

export function isShared({ buffer }: ArrayBufferView): boolean {
  return typeof SharedArrayBuffer !== 'undefined' && buffer instanceof SharedArrayBuffer;
}

/** What a message may take away: a copy, or the memory itself where both sides see it. */
export function copyOfPixels(images: Pixels): Pixels {
  if (isShared(images)) return images;
  // Not slice(): that of Node's Buffer is a view.
  return images instanceof Uint8Array ? new Uint8Array(images) : new Float32Array(images);
}
