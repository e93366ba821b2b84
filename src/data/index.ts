export { collect, type CollectOptions } from './collect.js';
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
export { classWeights, labelsOf } from './labels.js';
export { type Batch, DataLoader, type DataLoaderOptions } from './loader.js';
export { randomSplit, type RandomSplitOptions, Subset } from './subset.js';
export type { ImageForm, Transform } from './transform.js';
export { TransformedDataset, type TransformedDatasetOptions } from './transformed.js';
export {
  type Interpolation,
  RandomAffine,
  type RandomAffineOptions,
  RandomRotation,
  type RandomRotationOptions,
} from './transforms/affine.js';
export { RandomCrop, type RandomCropOptions } from './transforms/crop.js';
export { RandomErasing, type RandomErasingOptions } from './transforms/erase.js';
export { type RandomFlipOptions, RandomHorizontalFlip, RandomVerticalFlip } from './transforms/flip.js';
export { Normalize, type NormalizeOptions } from './transforms/normalize.js';
