import { checkOptions, nonNegativeInteger } from '../options.js';
import { Generator } from '../random.js';
import type { Dataset, ImageShape, Pixels } from './dataset.js';
import { Pipeline, pixelArray, pixelsOf, type Transform } from './transform.js';

/** What `new TransformedDataset(...)` may be told. */
export interface TransformedDatasetOptions {
  /** Where random transforms draw from, 0 to 2^53 - 1; default 0. */
  seed?: number;
}

/**
 * A data set whose images pass through transforms whenever they are asked for: `new TransformedDataset(test,
 * [new Normalize({ mean: 0.286, std: 0.353 })])`. What is random comes out the same for an image every time; for new
 * draws every epoch give the transforms to the `DataLoader` or to `fit`.
 */
export class TransformedDataset implements Dataset {
  readonly length: number;
  readonly shape: ImageShape;
  readonly dtype: 'uint8' | 'float32';
  readonly classes: readonly string[] | undefined;
  readonly #dataset: Dataset;
  readonly #pipeline: Pipeline;
  readonly #seed: number;

  /** Throws `OptionError` for what is no transform, `ShapeError` where one cannot take what it is given. */
  constructor(dataset: Dataset, transforms: readonly Transform[], options?: TransformedDatasetOptions) {
    const where = 'TransformedDataset';
    const { seed = 0 } = checkOptions(where, options, ['seed']);
    this.#dataset = dataset;
    this.#pipeline = new Pipeline(where, dataset, transforms);
    this.#seed = nonNegativeInteger(where, 'seed', seed);
    this.length = dataset.length;
    this.classes = dataset.classes;
    ({ shape: this.shape, dtype: this.dtype } = this.#pipeline.form);
  }

  copy(indices: Uint32Array, images: Pixels, labels: Int32Array): void {
    const [from, to] = [pixelsOf(this.#dataset), pixelsOf(this)];
    const sources = pixelArray(this.#dataset, indices.length * from);
    this.#dataset.copy(indices, sources, labels);
    const still = new Generator(this.#seed);
    indices.forEach((index, n) => {
      const generator = this.#pipeline.random ? new Generator(this.#seed, index + 1) : still;
      const target = images.subarray(n * to, (n + 1) * to);
      this.#pipeline.run(sources.subarray(n * from, (n + 1) * from), target, generator);
    });
  }
}
