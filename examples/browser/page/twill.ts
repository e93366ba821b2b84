/**
 * What the page needs of the library, from the modules that the server has beside it: at the root a URL's `..` ends,
 * so that dist/ is found by URL as it is by path. An app of your own imports 'twill', 'twill/data', 'twill/worker'.
 */
export * from '../../../dist/index.browser.js';
export {
  type DownloadProgress,
  FASHION_MNIST_CLASSES,
  fashionMnist,
  type ImageDataset,
} from '../../../dist/data/index.browser.js';
export { ArticleCnn, IMAGE_SHAPE } from '../../../dist/recipes/article.js';
export { type Recipe, RECIPES } from '../../../dist/recipes/recipes.js';
export { integerTicks, rangeOf, sharedAxes } from '../../../dist/report/scale.js';
export { prepareImage } from '../../../dist/cli/prepare.js';
export {
  TrainingWorker,
  type WorkerFitRun,
  type WorkerPredictor,
} from '../../../dist/worker/index.browser.js';
export { trainingOf } from '../../../dist/recipes/training.js';
