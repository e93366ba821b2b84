import { ImageDataset } from '../data/dataset.js';
import { fashionMnist } from '../data/index.node.js';
import { Generator } from '../random.js';
import { type ArticleData, PIXELS } from './article.js';

/**
 * Fashion-MNIST from `directory`, or from where it is found by itself; there, if it is not found, made-up images: as
 * much work for most kernels, but nothing to learn.
 * @throws DataError where `directory` does not hold it
 */
export async function articleData(directory: string | undefined): Promise<ArticleData> {
  try {
    return await fashionMnist({ directory, download: false });
  } catch (error) {
    if (directory !== undefined) throw error;
    return { train: madeUp(6000), test: madeUp(1000), source: 'made-up images: Fashion-MNIST was not found' };
  }
}

/** Half of their pixels are black, as Fashion-MNIST's are. */
function madeUp(count: number): ImageDataset {
  const generator = new Generator(0);
  const images = Uint8Array.from({ length: count * PIXELS }, () => Math.max(0, generator.integer(512) - 256));
  const labels = Uint8Array.from({ length: count }, () => generator.integer(10));
  return new ImageDataset({ images, labels, shape: [1, 28, 28] });
}
