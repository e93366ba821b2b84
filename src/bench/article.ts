import { ArticleCnn, IMAGE_SHAPE } from '../recipes/article.js';
import type { ImageDataset, Pixels } from '../data/dataset.js';

export { ArticleCnn, IMAGE_SHAPE };

export const PIXELS = 28 * 28;
/** Images a step, as in the article. */
export const BATCH = 100;
export const LEARNING_RATE = 0.1;

/** Images to train on and to test with; made up where the real ones are not at hand. */
export interface ArticleData {
  readonly train: ImageDataset;
  readonly test: ImageDataset;
  /** Where they are from. */
  readonly source: string;
}

/** Batch after batch of a data set in its order, again from the start at its end; views, nothing is copied. */
export function* batches(
  data: ImageDataset,
  size: number,
): Generator<{ images: Pixels; labels: Uint8Array | Int32Array }> {
  for (let start = 0; ; start = start + 2 * size <= data.length ? start + size : 0) {
    const images = data.images.subarray(start * PIXELS, (start + size) * PIXELS);
    yield { images, labels: data.labels.subarray(start, start + size) };
  }
}
