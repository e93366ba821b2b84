import { OptionError, ShapeError } from '../errors.js';
import { boolean, checkOptions, nonNegativeInteger, positiveInteger, show } from '../options.js';
import { Generator } from '../random.js';
import type { Dataset, ImageShape, Pixels } from './dataset.js';

/** Some samples of a data set, copied: they are the receiver's to keep or change. */
export interface Batch {
  /** size * C*H*W pixels, NCHW. */
  readonly images: Pixels;
  /** The class of each image. */
  readonly labels: Int32Array<ArrayBuffer>;
  /** Number of samples; the last batch of an epoch may hold fewer than `batchSize`. */
  readonly size: number;
  /** Number of the batch within its epoch, from 0. */
  readonly index: number;
  /** Of one image. */
  readonly shape: ImageShape;
}

/** What `new DataLoader(dataset, ...)` takes. */
export interface DataLoaderOptions {
  /** Samples a batch; default 1, as in PyTorch. */
  batchSize?: number;
  /** A new random order every epoch instead of the data set's; default false. */
  shuffle?: boolean;
  /** Where the orders come from, 0 to 2^53 - 1; default 0. */
  seed?: number;
  /** Leave out the last batch when it is smaller than the others; default false. */
  dropLast?: boolean;
  /** Draws the seed, once, when the loader is made; instead of `seed`. */
  generator?: Generator;
}

/**
 * Cuts a data set into batches, epoch after epoch:
 * `for (const { images, labels } of new DataLoader(train, { batchSize: 100, shuffle: true })) ...`
 *
 * The order of an epoch depends on the seed and the epoch's number only, so an interrupted training resumes with the
 * same batches: set `epoch`, or ask `batches(epoch, first)` for the rest of one.
 */
export class DataLoader implements Iterable<Batch>, AsyncIterable<Batch> {
  /** Where the samples come from. */
  readonly dataset: Dataset;
  /** Samples a batch. */
  readonly batchSize: number;
  /** Whether every epoch has an order of its own. */
  readonly shuffle: boolean;
  /** Where the orders come from. */
  readonly seed: number;
  /** Whether a smaller last batch is left out. */
  readonly dropLast: boolean;
  #epoch = 0;

  /** @throws OptionError for a value that cannot be used or an unknown name */
  constructor(dataset: Dataset, options?: DataLoaderOptions) {
    const where = 'DataLoader';
    if (typeof dataset?.length !== 'number' || typeof dataset.copy !== 'function') {
      throw new OptionError(`[${where}] expected a data set but got ${show(dataset)}`);
    }
    const known = ['batchSize', 'shuffle', 'seed', 'dropLast', 'generator'] as const;
    const {
      batchSize = 1,
      shuffle = false,
      seed,
      dropLast = false,
      generator,
    } = checkOptions(where, options, known);
    this.dataset = dataset;
    this.batchSize = positiveInteger(where, 'batchSize', batchSize);
    this.shuffle = boolean(where, 'shuffle', shuffle);
    this.dropLast = boolean(where, 'dropLast', dropLast);
    if (generator !== undefined && !(generator instanceof Generator)) {
      throw new OptionError(`[${where}] generator must be a Generator but is ${show(generator)}`);
    }
    if (generator !== undefined && seed !== undefined) {
      throw new OptionError(`[${where}] takes a seed or a generator but got both`);
    }
    this.seed = nonNegativeInteger(where, 'seed', generator ? generator.uint32() : (seed ?? 0));
  }

  /** Number of batches in an epoch. */
  get length(): number {
    const full = Math.floor(this.dataset.length / this.batchSize);
    return this.dropLast || full * this.batchSize === this.dataset.length ? full : full + 1;
  }

  /** Number, from 0, of the epoch that the next iteration delivers; starting an iteration adds one. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Goes on with another epoch. Throws `OptionError` for what is no whole number. */
  set epoch(epoch: number) {
    this.#epoch = nonNegativeInteger('DataLoader', 'epoch', epoch);
  }

  /** The numbers of the samples in the order of an epoch. */
  order(epoch: number): Uint32Array {
    nonNegativeInteger('DataLoader.order', 'epoch', epoch);
    const n = this.dataset.length;
    if (this.shuffle) return new Generator(this.seed, epoch + 1).permutation(n);
    return Uint32Array.from({ length: n }, (_, i) => i);
  }

  /** The batches of an epoch from number `first` on (default 0); leaves `epoch` alone. */
  *batches(epoch: number, first = 0): IterableIterator<Batch, void, undefined> {
    nonNegativeInteger('DataLoader.batches', 'first', first);
    const order = this.order(epoch);
    for (let index = first; index < this.length; index++) {
      const start = index * this.batchSize;
      yield this.#gather(order.subarray(start, start + this.batchSize), index);
    }
  }

  /** The batches of the next epoch. */
  *[Symbol.iterator](): IterableIterator<Batch, void, undefined> {
    yield* this.batches(this.#epoch++);
  }

  /** The batches of the next epoch. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined> {
    yield* this.batches(this.#epoch++);
  }

  #gather(indices: Uint32Array, index: number): Batch {
    const { shape, dtype } = this.dataset;
    const size = indices.length;
    const pixels = size * shape[0] * shape[1] * shape[2];
    if (pixels > 2 ** 31) {
      throw new ShapeError(
        `[DataLoader] a batch of ${size} images ${shape.join('x')} has ${pixels} pixels, more than 2^31`,
      );
    }
    const images = dtype === 'uint8' ? new Uint8Array(pixels) : new Float32Array(pixels);
    const labels = new Int32Array(size);
    this.dataset.copy(indices, images, labels);
    return { images, labels, size, index, shape };
  }
}
