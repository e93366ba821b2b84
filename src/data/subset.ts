import { OptionError } from '../errors.js';
import { checkOptions, integerBetween, nonNegativeInteger, numberBetween, show } from '../options.js';
import { Generator } from '../random.js';
import type { Dataset, ImageShape, Pixels } from './dataset.js';

/** Some samples of a data set, in an order of its own, torch.utils.data.Subset. Nothing is copied. */
export class Subset implements Dataset {
  /** Whose samples they are. */
  readonly dataset: Dataset;
  /** Their numbers there. */
  readonly indices: Uint32Array;
  readonly length: number;
  readonly shape: ImageShape;
  readonly dtype: 'uint8' | 'float32';
  readonly classes: readonly string[] | undefined;

  /** Throws `OptionError` for a number that `dataset` does not have. */
  constructor(dataset: Dataset, indices: ArrayLike<number>) {
    this.dataset = dataset;
    this.indices = Uint32Array.from(indices, (index, at) =>
      integerBetween('Subset', `index ${at}`, index, 0, dataset.length - 1),
    );
    this.length = this.indices.length;
    this.shape = dataset.shape;
    this.dtype = dataset.dtype;
    this.classes = dataset.classes;
  }

  copy(indices: Uint32Array, images: Pixels, labels: Int32Array): void {
    this.dataset.copy(
      indices.map((index) => this.indices[index]!),
      images,
      labels,
    );
  }
}

/** What `randomSplit` may be told. */
export interface RandomSplitOptions {
  /** Where the order comes from, 0 to 2^53 - 1; default 0. */
  seed?: number;
}

/**
 * Deals a data set's samples into parts at random, torch.utils.data.random_split: `const [train, validation] =
 * randomSplit(data, [0.9, 0.1])`. `sizes` are numbers of samples that add up to all, or fractions that add up to 1, of
 * which samples left over by rounding down go one each to the first parts. Throws `OptionError` where they do not add
 * up.
 */
export function randomSplit(
  dataset: Dataset,
  sizes: readonly number[],
  options?: RandomSplitOptions,
): Subset[] {
  const { seed = 0 } = checkOptions('randomSplit', options, ['seed']);
  const lengths = lengthsOf(dataset.length, sizes);
  const generator = new Generator(nonNegativeInteger('randomSplit', 'seed', seed));
  const order = generator.permutation(dataset.length);
  let start = 0;
  return lengths.map((length) => new Subset(dataset, order.subarray(start, (start += length))));
}

function lengthsOf(total: number, sizes: readonly number[]): readonly number[] {
  const where = 'randomSplit';
  if (!Array.isArray(sizes) || sizes.length === 0) {
    throw new OptionError(`[${where}] sizes must be an array of numbers but is ${show(sizes)}`);
  }
  for (const size of sizes) numberBetween(where, 'every size', size, 0, Number.MAX_SAFE_INTEGER);
  const sum = sizes.reduce((a, b) => a + b, 0);
  if (sum === total && sizes.every(Number.isInteger)) return sizes;
  // Fractions such as 0.1 are rounded: ten of them are 1 within ten times half an ulp of 1.
  if (Math.abs(sum - 1) > 1e-9) {
    throw new OptionError(
      `[${where}] sizes add up to ${sum} but must to ${total}, the number of samples, or to 1 as fractions`,
    );
  }
  const lengths = sizes.map((fraction) => Math.floor(total * fraction + 1e-9));
  const rest = total - lengths.reduce((a, b) => a + b, 0);
  return lengths.map((length, part) => length + (part < rest ? 1 : 0));
}
