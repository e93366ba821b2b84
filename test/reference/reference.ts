// Plain float64 definitions of the ops, one loop an index, to hold every backend against. Beside each sum stands the
// sum of its terms' magnitudes: rounding errors are bounded by a multiple of eps times that.

export interface Conv2dShape {
  N: number;
  IC: number;
  IH: number;
  IW: number;
  OC: number;
  KH: number;
  KW: number;
  stride: readonly [number, number];
  padding: readonly [number, number];
  dilation: readonly [number, number];
  groups: number;
}

/** Sums with the sums of their terms' magnitudes. */
export interface Sums {
  values: Float64Array;
  magnitudes: Float64Array;
  /** The largest number of terms in one sum. */
  terms: number;
}

export function outputSize({ IH, IW, KH, KW, stride, padding, dilation }: Conv2dShape): [number, number] {
  const size = (input: number, kernel: number, axis: 0 | 1) =>
    Math.floor((input + 2 * padding[axis] - dilation[axis] * (kernel - 1) - 1) / stride[axis]) + 1;
  return [size(IH, KH, 0), size(IW, KW, 1)];
}

type Visit = (x: number, weight: number, y: number, oc: number) => void;

/** Calls `visit` with the flat indices of every product x[..] * weight[..] that belongs to an output y[..]. */
function eachProduct(s: Conv2dShape, visit: Visit): void {
  const [OH, OW] = outputSize(s);
  const ICG = s.IC / s.groups;
  const OCG = s.OC / s.groups;
  for (let n = 0; n < s.N; n++) {
    for (let oc = 0; oc < s.OC; oc++) {
      const firstChannel = Math.floor(oc / OCG) * ICG;
      for (let oh = 0; oh < OH; oh++) {
        for (let ow = 0; ow < OW; ow++) {
          const y = ((n * s.OC + oc) * OH + oh) * OW + ow;
          for (let ic = 0; ic < ICG; ic++) {
            for (let kh = 0; kh < s.KH; kh++) {
              const ih = oh * s.stride[0] - s.padding[0] + kh * s.dilation[0];
              if (ih < 0 || ih >= s.IH) continue;
              for (let kw = 0; kw < s.KW; kw++) {
                const iw = ow * s.stride[1] - s.padding[1] + kw * s.dilation[1];
                if (iw < 0 || iw >= s.IW) continue;
                const x = ((n * s.IC + firstChannel + ic) * s.IH + ih) * s.IW + iw;
                visit(x, ((oc * ICG + ic) * s.KH + kh) * s.KW + kw, y, oc);
              }
            }
          }
        }
      }
    }
  }
}

function sums(size: number, terms: number): Sums {
  return { values: new Float64Array(size), magnitudes: new Float64Array(size), terms };
}

function add(into: Sums, index: number, term: number): void {
  into.values[index]! += term;
  into.magnitudes[index]! += Math.abs(term);
}

export function conv2d(
  s: Conv2dShape,
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
  bias?: ArrayLike<number>,
): Sums {
  const [OH, OW] = outputSize(s);
  const y = sums(s.N * s.OC * OH * OW, (s.IC / s.groups) * s.KH * s.KW + 1);
  for (let index = 0; bias && index < y.values.length; index++) {
    add(y, index, bias[Math.floor(index / (OH * OW)) % s.OC]!);
  }
  eachProduct(s, (i, k, o) => add(y, o, x[i]! * weight[k]!));
  return y;
}

export function conv2dBackward(
  s: Conv2dShape,
  gradOutput: ArrayLike<number>,
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
): { input: Sums; weight: Sums; bias: Sums } {
  const [OH, OW] = outputSize(s);
  const places = s.N * OH * OW;
  const input = sums(x.length, (s.OC / s.groups) * s.KH * s.KW);
  const gradWeight = sums(weight.length, places);
  const bias = sums(s.OC, places);
  eachProduct(s, (i, k, o) => {
    add(input, i, gradOutput[o]! * weight[k]!);
    add(gradWeight, k, gradOutput[o]! * x[i]!);
  });
  for (let o = 0; o < gradOutput.length; o++) add(bias, Math.floor(o / (OH * OW)) % s.OC, gradOutput[o]!);
  return { input, weight: gradWeight, bias };
}

export function linear(
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
  bias: ArrayLike<number>,
  OUT: number,
): Sums {
  const IN = weight.length / OUT;
  const y = sums((x.length / IN) * OUT, IN + 1);
  for (let o = 0; o < y.values.length; o++) {
    add(y, o, bias[o % OUT]!);
    for (let i = 0; i < IN; i++) add(y, o, x[Math.floor(o / OUT) * IN + i]! * weight[(o % OUT) * IN + i]!);
  }
  return y;
}

export function linearBackward(
  gradOutput: ArrayLike<number>,
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
  OUT: number,
) {
  const IN = weight.length / OUT;
  const N = x.length / IN;
  const input = sums(x.length, OUT);
  const gradWeight = sums(weight.length, N);
  const bias = sums(OUT, N);
  for (let n = 0; n < N; n++) {
    for (let o = 0; o < OUT; o++) {
      const g = gradOutput[n * OUT + o]!;
      add(bias, o, g);
      for (let i = 0; i < IN; i++) {
        add(input, n * IN + i, g * weight[o * IN + i]!);
        add(gradWeight, o * IN + i, g * x[n * IN + i]!);
      }
    }
  }
  return { input, weight: gradWeight, bias };
}

export interface PoolShape {
  N: number;
  C: number;
  IH: number;
  IW: number;
  OH: number;
  OW: number;
  kernel: readonly [number, number];
  stride: readonly [number, number];
  padding: readonly [number, number];
  dilation: readonly [number, number];
}

/** Value and flat input index of each window's maximum: the first of equals in row order, the last of NaNs (PyTorch). */
export function maxPool2d(s: PoolShape, x: ArrayLike<number>): { values: Float64Array; indices: Int32Array } {
  const values = new Float64Array(s.N * s.C * s.OH * s.OW);
  const indices = new Int32Array(values.length);
  for (let o = 0; o < values.length; o++) {
    const ow = o % s.OW;
    const oh = Math.floor(o / s.OW) % s.OH;
    const plane = Math.floor(o / (s.OW * s.OH)) * s.IH * s.IW;
    let best = Number.NEGATIVE_INFINITY;
    let at = -1;
    for (let kh = 0; kh < s.kernel[0]; kh++) {
      const ih = oh * s.stride[0] - s.padding[0] + kh * s.dilation[0];
      if (ih < 0 || ih >= s.IH) continue;
      for (let kw = 0; kw < s.kernel[1]; kw++) {
        const iw = ow * s.stride[1] - s.padding[1] + kw * s.dilation[1];
        if (iw < 0 || iw >= s.IW) continue;
        const value = x[plane + ih * s.IW + iw]!;
        if (at < 0 || value > best || Number.isNaN(value)) {
          best = value;
          at = plane + ih * s.IW + iw;
        }
      }
    }
    values[o] = best;
    indices[o] = at;
  }
  return { values, indices };
}

export function maxPool2dBackward(
  indices: Int32Array,
  gradOutput: ArrayLike<number>,
  inputSize: number,
): Float64Array {
  const grad = new Float64Array(inputSize);
  indices.forEach((at, o) => {
    grad[at]! += gradOutput[o]!;
  });
  return grad;
}

/** Mean loss over the batch and its gradient. */
export function crossEntropy(scores: ArrayLike<number>, labels: ArrayLike<number>, classes: number) {
  const gradient = new Float64Array(scores.length);
  let total = 0;
  for (let n = 0; n < labels.length; n++) {
    const row = Array.from({ length: classes }, (_, c) => scores[n * classes + c]!);
    const largest = Math.max(...row);
    const sum = row.reduce((a, score) => a + Math.exp(score - largest), 0);
    total += Math.log(sum) + largest - row[labels[n]!]!;
    row.forEach((score, c) => {
      const probability = Math.exp(score - largest) / sum;
      gradient[n * classes + c] = (probability - (c === labels[n] ? 1 : 0)) / labels.length;
    });
  }
  return { loss: total / labels.length, gradient };
}
