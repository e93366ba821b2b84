import type { ImageDataset, Pixels } from '../data/dataset.js';
import type { SymbolicTensor } from '../graph/graph.js';
import { Conv2d } from '../nn/conv2d.js';
import { Linear } from '../nn/linear.js';
import { MaxPool2d } from '../nn/max_pool2d.js';
import { Module } from '../nn/module.js';
import { ReLU } from '../nn/relu.js';

/** The article's network for 28x28 grey images and ten classes. */
export class ArticleCnn extends Module {
  cnn1 = new Conv2d(1, 16, 5, { padding: 2 });
  cnn2 = new Conv2d(16, 32, 5, { padding: 2 });
  fc1 = new Linear(32 * 7 * 7, 10);
  readonly #relu = new ReLU();
  readonly #pool = new MaxPool2d(2);

  forward(x: SymbolicTensor): SymbolicTensor {
    const first = this.#pool.forward(this.#relu.forward(this.cnn1.forward(x)));
    const second = this.#pool.forward(this.#relu.forward(this.cnn2.forward(first)));
    return this.fc1.forward(second.flatten());
  }
}

export const IMAGE_SHAPE = [1, 28, 28] as const;
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
