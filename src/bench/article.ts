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

function layerFlops(): number[] {
  const { graph } = new ArticleCnn().trace(IMAGE_SHAPE);
  return graph.nodes
    .filter(({ parameters }) => Object.keys(parameters).length > 0)
    .map((node) => node.op.flops(node));
}

/** Nominal arithmetic of the forward pass of one image: convolutions and linear layer. */
export function forwardFlops(): number {
  return layerFlops().reduce((sum, flops) => sum + flops, 0);
}

/** Nominal arithmetic of a training step an image: three passes a layer, but no gradient of the images. */
export function stepFlops(): number {
  return 3 * forwardFlops() - layerFlops()[0]!;
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
