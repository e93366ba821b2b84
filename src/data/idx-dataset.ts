import { FormatError } from '../errors.js';
import { ImageDataset, type ImageShape, type Pixels } from './dataset.js';
import { decodeIdx, type IdxArray } from './idx.js';

/** A file's content and what to call it in errors. */
export interface NamedBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Options of `loadIdx`. */
export interface IdxOptions {
  /** Names of the classes; every label must have one. */
  classes?: readonly string[];
}

/** Joins a decoded file of images and one of labels. */
export async function idxDataset(
  imagesFile: NamedBytes,
  labelsFile: NamedBytes,
  classes?: readonly string[],
): Promise<ImageDataset> {
  const [images, labels] = await Promise.all([
    decodeIdx(imagesFile.bytes, imagesFile.name),
    decodeIdx(labelsFile.bytes, labelsFile.name),
  ]);
  const shape = imageShape(images, imagesFile.name);
  if (labels.shape.length !== 1) {
    throw new FormatError(
      `[idx] ${labelsFile.name}: expected labels, one dimension, but it holds ${describe(labels)}`,
    );
  }
  if (images.shape[0] !== labels.shape[0]) {
    throw new FormatError(
      `[idx] ${imagesFile.name} holds ${images.shape[0]} images but ${labelsFile.name} ${labels.shape[0]} labels`,
    );
  }
  return new ImageDataset({
    images: pixels(images),
    labels: wholeLabels(labels, labelsFile.name, classes?.length),
    shape,
    classes,
  });
}

const describe = ({ shape, type }: IdxArray) =>
  `${shape.length === 0 ? 'one value' : shape.join('x')} of ${type} (${shape.length} dimensions)`;

/** N x H x W are grey images; N x C x H x W have channels; N x F are rows of features, one pixel high. */
function imageShape(images: IdxArray, name: string): ImageShape {
  const [, ...sizes] = images.shape;
  if (sizes.length < 1 || sizes.length > 3) {
    const hint = images.shape.length === 1 ? ', it looks like a file of labels' : '';
    throw new FormatError(
      `[idx] ${name}: expected images, two to four dimensions, but it holds ${describe(images)}${hint}`,
    );
  }
  if (sizes.includes(0))
    throw new FormatError(`[idx] ${name}: its images have no pixels, ${images.shape.join('x')}`);
  const [channels, height, width] = [1, 1, ...sizes].slice(-3) as [number, number, number];
  return [channels, height, width];
}

function pixels(images: IdxArray): Pixels {
  const { data } = images;
  return data instanceof Uint8Array || data instanceof Float32Array ? data : Float32Array.from(data);
}

function wholeLabels(labels: IdxArray, name: string, classes = 2 ** 31): Uint8Array | Int32Array {
  if (labels.type === 'float32' || labels.type === 'float64') {
    throw new FormatError(`[idx] ${name}: labels must be whole numbers but are ${labels.type}`);
  }
  const wrong = labels.data.findIndex((label) => label < 0 || label >= classes);
  if (wrong >= 0) {
    throw new FormatError(
      `[idx] ${name}: label ${wrong} is ${labels.data[wrong]} but must be from 0 to ${classes - 1}`,
    );
  }
  return labels.data instanceof Uint8Array ? labels.data : Int32Array.from(labels.data);
}
