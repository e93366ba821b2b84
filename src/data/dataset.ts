import { LabelError, OptionError, ShapeError } from '../errors.js';
import { checkOptions, integerBetween, nonNegativeInteger, positiveInteger, show } from '../options.js';

/** Channels, height and width of one image. */
export type ImageShape = readonly [channels: number, height: number, width: number];

/** Pixels, NCHW. Bytes are 0..255 and are scaled to 0..1 where they enter a model; floats are taken as they are. */
export type Pixels = Uint8Array<ArrayBufferLike> | Float32Array<ArrayBufferLike>;

/** Labelled images, addressed by number. What a `DataLoader` and `fit` need of a source of data. */
export interface Dataset {
  /** Number of images. */
  readonly length: number;
  /** Of one image. */
  readonly shape: ImageShape;
  /** Of the pixels: bytes 0..255, scaled to 0..1 where they enter a model, or floats, taken as they are. */
  readonly dtype: 'uint8' | 'float32';
  /** Name of each class; the label is the index. */
  readonly classes?: readonly string[] | undefined;
  /** Shape of what a model is to give for one image, where that are values and not, or not only, a class. */
  readonly targetShape?: readonly number[] | undefined;
  /**
   * Copies the samples `indices` one after the other into `images` (`indices.length` x C*H*W, of `dtype`) and
   * `labels`. The caller vouches for the indices and the sizes.
   */
  copy(indices: Uint32Array, images: Pixels, labels: Int32Array): void;
  /** Where there is a `targetShape`: copies the values of the samples `indices` one after the other into `targets`. */
  copyTargets?(indices: Uint32Array, targets: Float32Array): void;
}

/** One labelled image. */
export interface Sample {
  /** C*H*W pixels. */
  readonly image: Pixels;
  /** Number of its class; -1 where there are values only. */
  readonly label: number;
  /** The values that a model is to give. */
  readonly target?: Float32Array | undefined;
}

/** What `new ImageDataset(...)` takes. */
export interface ImageDatasetOptions {
  /** N*C*H*W pixels, NCHW. Kept by reference, not copied. */
  images: Pixels;
  /** N labels. Kept by reference, not copied. May be left out where there are `targets`. */
  labels?: Uint8Array | Int32Array;
  /** Values that a model is to give, N times `targetShape`, NCHW. Kept by reference, not copied. Default none. */
  targets?: Float32Array<ArrayBufferLike> | undefined;
  /** Of one image's `targets`: [C, H, W], or [values]. */
  targetShape?: readonly number[] | undefined;
  /** Channels, height and width of one image. */
  shape: ImageShape;
  /** Name of each class, so that every label must have one; default none. */
  classes?: readonly string[] | undefined;
}

/** Labelled images in memory. */
export class ImageDataset implements Dataset {
  /** length * C*H*W pixels, NCHW; those that it was given. */
  readonly images: Pixels;
  /** The class of each image; all -1 where there are targets only. */
  readonly labels: Uint8Array | Int32Array;
  /** Values that a model is to give: those that it was given. */
  readonly targets: Float32Array<ArrayBufferLike> | undefined;
  readonly targetShape: readonly number[] | undefined;
  readonly shape: ImageShape;
  readonly classes: readonly string[] | undefined;
  readonly length: number;
  readonly #imageSize: number;
  readonly #targetSize: number;
  readonly #labelled: boolean;

  /**
   * @throws ShapeError when pixels, labels, targets and shapes do not fit together; LabelError for a label that is negative or
   * has no class; OptionError for types that are not listed
   */
  constructor(options: ImageDatasetOptions) {
    checkOptions('ImageDataset', options, ['images', 'labels', 'targets', 'targetShape', 'shape', 'classes']);
    const { images, labels, targets, classes } = options;
    if (!(images instanceof Uint8Array || images instanceof Float32Array)) {
      throw new OptionError(
        `[ImageDataset] images must be a Uint8Array or Float32Array but is ${show(images)}`,
      );
    }
    const labelled = labels instanceof Uint8Array || labels instanceof Int32Array;
    if (!labelled && (labels !== undefined || !targets)) {
      throw new OptionError(
        `[ImageDataset] labels must be a Uint8Array or Int32Array but is ${show(labels)}`,
      );
    }
    const [channels, height, width] = checkShape(options.shape);
    this.#imageSize = channels * height * width;
    const targetShape = checkTargetShape(targets, options.targetShape);
    this.#targetSize = targetShape?.reduce((product, size) => product * size, 1) ?? 0;
    this.length = labels ? labels.length : Math.floor(targets!.length / this.#targetSize);
    if (targets && targets.length !== this.length * this.#targetSize) {
      throw new ShapeError(
        `[ImageDataset] ${this.length} ${labelled ? 'labels' : 'images'} and targetShape ${targetShape!.join('x')} need ` +
          `${this.length * this.#targetSize} targets but there are ${targets.length}`,
      );
    }
    if (images.length !== this.length * this.#imageSize) {
      throw new ShapeError(
        `[ImageDataset] ${this.length} ${labelled ? 'labels' : 'targets'} and shape ${channels}x${height}x${width} need ` +
          `${this.length * this.#imageSize} pixels but images holds ${images.length}`,
      );
    }
    checkClasses(classes);
    if (labels) checkLabels(labels, classes?.length);
    this.images = images;
    this.labels = labels ?? new Int32Array(this.length).fill(-1);
    this.targets = targets;
    this.targetShape = targetShape && Object.freeze([...targetShape]);
    this.#labelled = labelled;
    this.shape = Object.freeze([channels, height, width] as const);
    this.classes = classes && Object.freeze([...classes]);
  }

  /** `uint8` for bytes, `float32` for floats. */
  get dtype(): 'uint8' | 'float32' {
    return this.images instanceof Uint8Array ? 'uint8' : 'float32';
  }

  /** One sample: its pixels (C*H*W, a view into `images`), its label and its targets (a view, too). */
  get(index: number): Sample {
    integerBetween('ImageDataset.get', 'index', index, 0, this.length - 1);
    const start = index * this.#imageSize;
    const image = this.images.subarray(start, start + this.#imageSize);
    const target = this.#targets(index, index + 1);
    return { image, label: this.labels[index]!, ...(target && { target }) };
  }

  /** Samples `start` (included) to `end` (excluded), sharing the memory of this data set. */
  subset(start: number, end: number = this.length): ImageDataset {
    integerBetween('ImageDataset.subset', 'start', start, 0, this.length);
    integerBetween('ImageDataset.subset', 'end', end, start, this.length);
    return new ImageDataset({
      images: this.images.subarray(start * this.#imageSize, end * this.#imageSize),
      ...(this.#labelled && { labels: this.labels.subarray(start, end) }),
      targets: this.#targets(start, end),
      targetShape: this.targetShape,
      shape: this.shape,
      classes: this.classes,
    });
  }

  /** The first `n` samples, or all of them when there are fewer. */
  take(n: number): ImageDataset {
    return this.subset(0, Math.min(nonNegativeInteger('ImageDataset.take', 'n', n), this.length));
  }

  copy(indices: Uint32Array, images: Pixels, labels: Int32Array): void {
    const size = this.#imageSize;
    for (let i = 0; i < indices.length; i++) {
      const index = indices[i]!;
      images.set(this.images.subarray(index * size, (index + 1) * size), i * size);
      labels[i] = this.labels[index]!;
    }
  }

  copyTargets(indices: Uint32Array, targets: Float32Array): void {
    indices.forEach((index, i) => targets.set(this.#targets(index, index + 1)!, i * this.#targetSize));
  }

  #targets(start: number, end: number): Float32Array | undefined {
    return this.targets?.subarray(start * this.#targetSize, end * this.#targetSize);
  }
}

function checkTargetShape(
  targets: Float32Array | undefined,
  shape: readonly number[] | undefined,
): readonly number[] | undefined {
  if (targets === undefined && shape === undefined) return undefined;
  if (!(targets instanceof Float32Array)) {
    throw new OptionError(`[ImageDataset] targets must be a Float32Array but is ${show(targets)}`);
  }
  if (!Array.isArray(shape) || (shape.length !== 1 && shape.length !== 3)) {
    throw new OptionError(
      `[ImageDataset] targetShape must be [values] or [channels, height, width] but is ${show(shape)}`,
    );
  }
  for (const size of shape) positiveInteger('ImageDataset', 'every size in targetShape', size);
  return shape as readonly number[];
}

function checkShape(shape: ImageShape): ImageShape {
  if (!Array.isArray(shape) || shape.length !== 3) {
    throw new OptionError(`[ImageDataset] shape must be [channels, height, width] but is ${show(shape)}`);
  }
  for (const size of shape) positiveInteger('ImageDataset', 'every size in shape', size);
  const [channels, height, width] = shape as unknown as [number, number, number];
  const pixels = channels * height * width;
  if (!Number.isSafeInteger(channels * height) || !Number.isSafeInteger(pixels)) {
    throw new ShapeError(
      `[ImageDataset] shape ${shape.join('x')} overflows: one image would have ${pixels} pixels`,
    );
  }
  return [channels, height, width];
}

function checkClasses(classes: readonly string[] | undefined): void {
  if (classes === undefined) return;
  if (!Array.isArray(classes) || classes.length === 0 || !classes.every((name) => typeof name === 'string')) {
    throw new OptionError(`[ImageDataset] classes must be an array of names but is ${show(classes)}`);
  }
}

function checkLabels(labels: Uint8Array | Int32Array, classes: number | undefined): void {
  const limit = classes ?? 2 ** 31;
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (label < 0 || label >= limit) {
      const range = classes === undefined ? '0 or more' : `from 0 to ${classes - 1}`;
      throw new LabelError(`[ImageDataset] label ${i} is ${label} but must be ${range}`);
    }
  }
}
