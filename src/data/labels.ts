import { LabelError, OptionError } from '../errors.js';
import { positiveInteger } from '../options.js';
import { type Dataset, ImageDataset } from './dataset.js';
import { pixelArray, pixelsOf } from './transform.js';

/** Images that are copied at a time where labels can only be had with them. */
const AT_A_TIME = 1000;

/** The label of every sample, in the data set's order. */
export function labelsOf(dataset: Dataset): Int32Array {
  if (dataset instanceof ImageDataset) return Int32Array.from(dataset.labels);
  const labels = new Int32Array(dataset.length);
  const images = pixelArray(dataset, Math.min(AT_A_TIME, dataset.length) * pixelsOf(dataset));
  for (let start = 0; start < dataset.length; start += AT_A_TIME) {
    const size = Math.min(AT_A_TIME, dataset.length - start);
    const indices = Uint32Array.from({ length: size }, (_, i) => start + i);
    dataset.copy(indices, images.subarray(0, size * pixelsOf(dataset)), labels.subarray(start, start + size));
  }
  return labels;
}

/**
 * A weight a class for `CrossEntropyLoss` that makes up for classes with few samples: all samples / (classes * samples
 * of the class), scikit-learn's `balanced`; 0 for a class without samples. `classes` defaults to the number of the data
 * set's class names. Throws `OptionError` without both, `LabelError` for a label that is no class.
 */
export function classWeights(
  dataset: Dataset,
  classes: number | undefined = dataset.classes?.length,
): Float32Array {
  if (classes === undefined) {
    throw new OptionError('[classWeights] the data set names no classes: say how many there are');
  }
  const counts = new Float64Array(positiveInteger('classWeights', 'classes', classes));
  for (const label of labelsOf(dataset)) {
    if (!(label >= 0 && label < classes)) {
      throw new LabelError(`[classWeights] a label is ${label} but must be from 0 to ${classes - 1}`);
    }
    counts[label]!++;
  }
  return Float32Array.from(counts, (count) => (count === 0 ? 0 : dataset.length / (classes * count)));
}
