import type { Pixels } from '../data/dataset.js';
import { isShared } from './dataset-sender.js';

/** What a message may take away: a copy, or the memory itself where both sides see it. */
export function copyOfPixels(images: Pixels): Pixels {
  if (isShared(images)) return images;
  // Not slice(): that of Node's Buffer is a view.
  return images instanceof Uint8Array ? new Uint8Array(images) : new Float32Array(images);
}
