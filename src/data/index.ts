export {
  type Dataset,
  ImageDataset,
  type ImageDatasetOptions,
  type ImageShape,
  type Pixels,
  type Sample,
} from './dataset.js';
export { type DownloadProgress, FASHION_MNIST_CLASSES, type FashionMnist } from './fashion-mnist.js';
export { decodeIdx, type IdxArray, parseIdx } from './idx.js';
export type { IdxOptions } from './idx-dataset.js';
export { type Batch, DataLoader, type DataLoaderOptions } from './loader.js';
