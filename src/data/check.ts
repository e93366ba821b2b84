import { LabelError, OptionError, ShapeError } from '../errors.js';
import type { Targets } from '../ops/loss.js';
import { formatShape, sizeOf } from '../ops/op.js';
import { show } from '../options.js';
import type { Pixels } from './dataset.js';
import type { Batch } from './loader.js';

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

/**
 * Labels as an Int32Array of `count` classes below `classes`, or `ignoreIndex`; throws `ShapeError` and `LabelError`.
 */
export function checkLabels(
  where: string,
  labels: ArrayLike<number>,
  count: number,
  { classes, ignoreIndex }: { readonly classes: number; readonly ignoreIndex?: number },
): Int32Array {
  if (labels?.length !== count) {
    throw new ShapeError(`[${where}] got ${count} images but ${labels?.length ?? 'no'} labels`);
  }
  for (let i = 0; i < count; i++) {
    const label = labels[i]!;
    if (!(Number.isInteger(label) && label >= 0 && label < classes) && label !== ignoreIndex) {
      throw new LabelError(
        `[${where}] label ${i} is ${show(label)} but the model has classes 0 to ${classes - 1}`,
      );
    }
  }
  return labels instanceof Int32Array ? labels : new Int32Array(labels);
}

/** What a loss is to compare `count` images' outputs with, in the type that it takes. */
export function checkTargets(
  where: string,
  given: ArrayLike<number>,
  count: number,
  targets: Targets,
): Int32Array | Float32Array {
  if (targets.kind === 'labels') return checkLabels(where, given, count, targets);
  const expected = count * sizeOf(targets);
  if (given?.length !== expected) {
    throw new ShapeError(
      `[${where}] expected targets of the output's shape, ${count} times ${formatShape(targets.shape)} ` +
        `(${expected} values), but got ${given?.length ?? 'none'}`,
    );
  }
  return given instanceof Float32Array ? given : new Float32Array(given);
}

/** What a batch has for a loss that compares with `kind`. Throws `OptionError` where it has none. */
export function targetsOf(
  where: string,
  { labels, targets }: Pick<Batch, 'labels' | 'targets'>,
  { kind }: Targets,
): ArrayLike<number> {
  if (kind === 'labels') return labels;
  if (targets) return targets;
  throw new OptionError(
    `[${where}] the loss compares with values but the data set has labels only: give it \`targets\``,
  );
}
