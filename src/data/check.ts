import { LabelError, OptionError, ShapeError } from '../errors.js';
import { formatShape } from '../ops/op.js';
import { show } from '../options.js';
import type { Pixels } from './dataset.js';

/** Checks that `images` are bytes or floats for whole images of `shape`, and returns how many there are. */
export function countImages(where: string, images: Pixels, shape: readonly number[]): number {
  if (!(images instanceof Uint8Array || images instanceof Float32Array)) {
    throw new OptionError(
      `[${where}] images must be a Uint8Array (0..255) or Float32Array but is ${show(images)}`,
    );
  }
  const size = shape.reduce((product, one) => product * one, 1);
  const count = images.length / size;
  if (!Number.isInteger(count) || count === 0) {
    throw new ShapeError(
      `[${where}] expected whole images of ${formatShape(shape)} (${size} values each) but got ${images.length} values`,
    );
  }
  return count;
}

export function dtypeOf(images: Pixels): 'uint8' | 'float32' {
  return images instanceof Uint8Array ? 'uint8' : 'float32';
}

/** Labels as an Int32Array of `count` classes below `classes`; throws `ShapeError` and `LabelError`. */
export function checkLabels(
  where: string,
  labels: ArrayLike<number>,
  count: number,
  classes: number,
): Int32Array {
  if (labels?.length !== count) {
    throw new ShapeError(`[${where}] got ${count} images but ${labels?.length ?? 'no'} labels`);
  }
  for (let i = 0; i < count; i++) {
    const label = labels[i]!;
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      throw new LabelError(
        `[${where}] label ${i} is ${show(label)} but the model has classes 0 to ${classes - 1}`,
      );
    }
  }
  return labels instanceof Int32Array ? labels : Int32Array.from(labels);
}
