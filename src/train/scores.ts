/** The class with the highest score of each image, the first of equals; a NaN wins, as in torch.argmax. */
export function argmax(scores: Float32Array, classes: number): Int32Array {
  return Int32Array.from({ length: scores.length / classes }, (_, image) => {
    const row = scores.subarray(image * classes, (image + 1) * classes);
    let best = 0;
    for (let index = 1; index < classes; index++) {
      if (row[index]! > row[best]! || (Number.isNaN(row[index]!) && !Number.isNaN(row[best]!))) best = index;
    }
    return best;
  });
}

/** Softmax of each image's scores, in float64 inside. */
export function softmax(scores: Float32Array, classes: number): Float32Array {
  const probabilities = new Float32Array(scores.length);
  for (let start = 0; start < scores.length; start += classes) {
    const row = scores.subarray(start, start + classes);
    const largest = row.reduce((a, b) => Math.max(a, b));
    const powers = Float64Array.from(row, (score) => Math.exp(score - largest));
    const sum = powers.reduce((a, b) => a + b);
    for (let index = 0; index < classes; index++) probabilities[start + index] = powers[index]! / sum;
  }
  return probabilities;
}
