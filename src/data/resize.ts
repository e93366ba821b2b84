interface Size {
  readonly width: number;
  readonly height: number;
}

/** One channel of an image in another size: the average over the area when reducing, linear when enlarging. */
export function resize(pixels: Float32Array, from: Size, to: Size): Float32Array {
  const across = resample(pixels, from.height, from.width, to.width);
  return resample(across, to.width, from.height, to.height);
}

/**
 * Resamples every row of `from` samples to `to` samples and transposes: rows x from -> to x rows, so that two calls
 * resample both ways and restore the order. A sample weighs with its overlap with a window `max(1, from / to)` wide:
 * the average over the area when reducing, linear interpolation when enlarging.
 */
function resample(source: Float32Array, rows: number, from: number, to: number): Float32Array {
  const ratio = from / to;
  const reach = (Math.max(1, ratio) + 1) / 2;
  const result = new Float32Array(to * rows);
  for (let i = 0; i < to; i++) {
    const middle = (i + 0.5) * ratio - 0.5;
    const first = Math.max(0, Math.ceil(middle - reach));
    const last = Math.min(from - 1, Math.floor(middle + reach));
    const overlap = (k: number) => Math.min(1, reach - Math.abs(k - middle));
    const weights = Array.from({ length: last - first + 1 }, (_, k) => overlap(first + k));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (let row = 0; row < rows; row++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k]! * source[row * from + first + k]!;
      result[i * rows + row] = sum / total;
    }
  }
  return result;
}
