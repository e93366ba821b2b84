import { Generator } from '../random.js';

class NoDraws extends Generator {
  override uniform(): number {
    return 0;
  }
}

/** For weights that are set at once: nothing is drawn, and the generator that `manualSeed` seeds stays where it is. */
export const NO_DRAWS: Generator = new NoDraws();

/** Turns a matrix of [rows, columns] around. */
export function transpose(values: Float32Array, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++)
      turned[column * rows + row] = values[row * columns + column]!;
  }
  return turned;
}

/** Rows of values one a feature, from (H, W, C) order to (C, H, W): what Keras' features after a flatten are. */
export function toChannelsFirst(
  values: Float32Array,
  [C, H, W]: readonly [number, number, number],
): Float32Array {
  const features = C * H * W;
  const ordered = new Float32Array(values.length);
  for (let row = 0; row < values.length; row += features) {
    ordered.set(transpose(values.subarray(row, row + features), H * W, C), row);
  }
  return ordered;
}

/** [outputs, size], or turned: how much every position counts for every output of an adaptive pool. */
export function shares(size: number, outputs: number, turned: boolean): Float32Array {
  const matrix = new Float32Array(size * outputs);
  for (let output = 0; output < outputs; output++) {
    const start = Math.floor((output * size) / outputs);
    const end = Math.ceil(((output + 1) * size) / outputs);
    for (let at = start; at < end; at++) {
      matrix[turned ? at * outputs + output : output * size + at] = 1 / (end - start);
    }
  }
  return matrix;
}
