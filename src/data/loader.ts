import { OptionError, ShapeError } from '../errors.js';
import { boolean, checkOptions, nonNegativeInteger, positiveInteger, show } from '../options.js';
import { Generator } from '../random.js';
import type { Dataset, ImageShape, Pixels } from './dataset.js';
import { Pipeline, pixelArray, pixelsOf, type Transform } from './transform.js';

/** Some samples of a data set, copied: they are the receiver's to keep or change. */
export interface Batch {
  /** size * C*H*W pixels, NCHW. */
  readonly images: Pixels;
  /** The class of each image. */
  readonly labels: Int32Array<ArrayBuffer>;
  /** Where the data set has them: the values that a model is to give, size times its `targetShape`. */
  readonly targets?: Float32Array<ArrayBuffer> | undefined;
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
  /** What becomes of the images, in this order: new draws every epoch, from the seed. Default none. */
  transforms?: readonly Transform[];
}

/** Streams of the seed for the transforms of batches: 2^26 an epoch, past those of the epochs' orders. */
const BATCHES_AN_EPOCH = 2 ** 26;

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
  /** What becomes of the images. */
  readonly transforms: readonly Transform[];
  readonly #pipeline: Pipeline;
  #epoch = 0;

  /** @throws OptionError for a value that cannot be used or an unknown name */
  constructor(dataset: Dataset, options?: DataLoaderOptions) {
    const where = 'DataLoader';
    const copies = typeof dataset?.copy === 'function';
    const copiesTargets = !dataset?.targetShape || typeof dataset.copyTargets === 'function';
    if (typeof dataset?.length !== 'number' || !copies || !copiesTargets) {
      throw new OptionError(`[${where}] expected a data set but got ${show(dataset)}`);
    }
    const known = ['batchSize', 'shuffle', 'seed', 'dropLast', 'generator', 'transforms'] as const;
    const {
      batchSize = 1,
      shuffle = false,
      seed,
      dropLast = false,
      generator,
      transforms = [],
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
    this.#pipeline = new Pipeline(where, dataset, transforms);
    this.transforms = [...transforms];
  }

  /** Of one image, as batches hold it. */
  get shape(): ImageShape {
    return this.#pipeline.form.shape;
  }

  /** Of the pixels, as batches hold them. */
  get dtype(): 'uint8' | 'float32' {
    return this.#pipeline.form.dtype;
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
      yield this.#gather(order.subarray(start, start + this.batchSize), epoch, index);
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

  #gather(indices: Uint32Array, epoch: number, index: number): Batch {
    const { shape } = this;
    const { targetShape } = this.dataset;
    const size = indices.length;
    const pixels = size * pixelsOf(this);
    if (pixels > 2 ** 31) {
      throw new ShapeError(
        `[DataLoader] a batch of ${size} images ${shape.join('x')} has ${pixels} pixels, more than 2^31`,
      );
    }
    const images = pixelArray(this, pixels);
    const labels = new Int32Array(size);
    if (this.transforms.length === 0) this.dataset.copy(indices, images, labels);
    else this.#transform(indices, images, labels, new Generator(this.seed, streamOf(epoch, index)));
    if (!targetShape) return { images, labels, size, index, shape };
    const targets = new Float32Array(targetShape.reduce((product, one) => product * one, size));
    this.dataset.copyTargets!(indices, targets);
    return { images, labels, targets, size, index, shape };
  }

  #transform(indices: Uint32Array, images: Pixels, labels: Int32Array, generator: Generator): void {
    const [from, to] = [pixelsOf(this.dataset), pixelsOf(this)];
    const sources = pixelArray(this.dataset, indices.length * from);
    this.dataset.copy(indices, sources, labels);
    for (let n = 0; n < indices.length; n++) {
      const target = images.subarray(n * to, (n + 1) * to);
      this.#pipeline.run(sources.subarray(n * from, (n + 1) * from), target, generator);
    }
  }
}

function streamOf(epoch: number, index: number): number {
  return (epoch + 1) * BATCHES_AN_EPOCH + index + 1;
}
