import { OptionError, ShapeError } from '../errors.js';
import { show } from '../options.js';
import { ImageDataset, type ImageShape, type Pixels, type Sample } from './dataset.js';
import { joinPixels } from './transform.js';

/** What `collect` takes. */
export interface CollectOptions {
  /** Channels, height and width of every image. */
  shape: ImageShape;
  /** Name of each class; default none. */
  classes?: readonly string[];
}

/**
 * A data set of everything that a generator gives, an asynchronous one too: `await collect(samples(), { shape: [1, 28,
 * 28] })`. The images' pixels are copied. Throws `OptionError` for what is no sample or where bytes and floats are
 * mixed, `ShapeError` and `LabelError` as `ImageDataset` does.
 */
export async function collect(
  samples: Iterable<Sample> | AsyncIterable<Sample>,
  { shape, classes }: CollectOptions,
): Promise<ImageDataset> {
  const images: Pixels[] = [];
  const labels: number[] = [];
  const size = shape.reduce((product, one) => product * one, 1);
  for await (const sample of samples) {
    const { image, label } = sample ?? {};
    if (!(image instanceof Uint8Array || image instanceof Float32Array) || !Number.isInteger(label)) {
      throw new OptionError(
        `[collect] sample ${labels.length} must be { image: Uint8Array or Float32Array, label: a whole number } ` +
          `but is ${show(sample)}`,
      );
    }
    if (image.length !== size) {
      throw new ShapeError(
        `[collect] sample ${labels.length} has ${image.length} pixels but ${shape.join('x')} needs ${size}`,
      );
    }
    if (images[0] && images[0].constructor !== image.constructor) {
      throw new OptionError(`[collect] sample ${labels.length} mixes bytes and floats with those before it`);
    }
    images.push(image.slice());
    labels.push(label);
  }
  return new ImageDataset({ images: joinPixels(images), labels: Int32Array.from(labels), shape, classes });
}
