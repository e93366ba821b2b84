// Float64 definitions of the layers that work over space and channels, one loop an index.
import type { Conv2dShape, Sums } from './reference.js';
import { conv2dBackward } from './reference.js';

export interface AvgPoolShape {
  readonly N: number;
  readonly C: number;
  readonly image: readonly [number, number];
  readonly output: readonly [number, number];
}

/** Pixels [begin, end) of an axis that a window takes, and how many it is divided by along it. */
export type Window = (output: number, axis: 0 | 1) => { begin: number; end: number; size: number };

/** Windows of one size as torch.nn.AvgPool2d defines them. */
export function sliding(
  image: readonly [number, number],
  {
    kernel,
    stride,
    padding,
    countIncludePad,
  }: Readonly<Record<'kernel' | 'stride' | 'padding', readonly [number, number]>> & {
    countIncludePad: boolean;
  },
): Window {
  return (output, axis) => {
    const start = output * stride[axis] - padding[axis];
    const stop = Math.min(start + kernel[axis], image[axis] + padding[axis]);
    const [begin, end] = [Math.max(start, 0), Math.min(stop, image[axis])];
    return { begin, end, size: countIncludePad ? stop - start : end - begin };
  };
}

/** Those that share out the image. */
export function adaptive(image: readonly [number, number], outputs: readonly [number, number]): Window {
  return (output, axis) => {
    const begin = Math.floor((output * image[axis]) / outputs[axis]);
    const end = Math.ceil(((output + 1) * image[axis]) / outputs[axis]);
    return { begin, end, size: end - begin };
  };
}

type Visit = (x: number, y: number, weight: number) => void;

function eachPixel(
  { N, C, image, output }: AvgPoolShape,
  window: Window,
  divisor: number | null,
  visit: Visit,
) {
  for (let plane = 0; plane < N * C; plane++) {
    for (let oh = 0; oh < output[0]; oh++) {
      for (let ow = 0; ow < output[1]; ow++) {
        const [rows, columns] = [window(oh, 0), window(ow, 1)];
        const weight = 1 / (divisor ?? rows.size * columns.size);
        for (let ih = rows.begin; ih < rows.end; ih++) {
          for (let iw = columns.begin; iw < columns.end; iw++) {
            visit((plane * image[0] + ih) * image[1] + iw, (plane * output[0] + oh) * output[1] + ow, weight);
          }
        }
      }
    }
  }
}

/** Values, and the gradient of x for the upstream `gy`. */
export function avgPool2d(
  shape: AvgPoolShape,
  window: Window,
  divisor: number | null,
  x: ArrayLike<number>,
  gy: ArrayLike<number>,
) {
  const { N, C, output } = shape;
  const y = new Float64Array(N * C * output[0] * output[1]);
  const input = new Float64Array(x.length);
  eachPixel(shape, window, divisor, (i, o, weight) => {
    y[o]! += x[i]! * weight;
    input[i]! += gy[o]! * weight;
  });
  return { y, input };
}

/** Where in [I] each of an axis's outputs comes from; -1 is the constant. */
export function padSources(
  size: number,
  [before, after]: readonly [number, number],
  mode: 'constant' | 'reflect' | 'replicate',
): number[] {
  return Array.from({ length: size + before + after }, (_, o) => {
    const i = o - before;
    if (i >= 0 && i < size) return i;
    if (mode === 'constant') return -1;
    if (mode === 'replicate') return i < 0 ? 0 : size - 1;
    return i < 0 ? -i : 2 * (size - 1) - i;
  });
}

/**
 * Normalisation of x, of which `group(at)` says what each value is normalised with and `channel(at)` which weight and
 * bias it has.
 */
export function imageNorm(
  x: ArrayLike<number>,
  gy: ArrayLike<number>,
  { group, channel, eps }: { group: (at: number) => number; channel: (at: number) => number; eps: number },
  weight?: ArrayLike<number>,
  bias?: ArrayLike<number>,
) {
  const groups = new Map<number, number[]>();
  for (let at = 0; at < x.length; at++) {
    const key = group(at);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key)!.push(at);
  }
  const channels = weight?.length ?? 0;
  const result = {
    y: new Float64Array(x.length),
    input: new Float64Array(x.length),
    weight: new Float64Array(channels),
    bias: new Float64Array(channels),
  };
  const scale = (at: number) => weight?.[channel(at)] ?? 1;
  for (const places of groups.values()) {
    const mean = (value: (at: number) => number) =>
      places.reduce((total, at) => total + value(at), 0) / places.length;
    const centre = mean((at) => x[at]!);
    const inverse = 1 / Math.sqrt(mean((at) => (x[at]! - centre) ** 2) + eps);
    const normal = (at: number) => (x[at]! - centre) * inverse;
    const upstream = mean((at) => gy[at]! * scale(at));
    const along = mean((at) => gy[at]! * scale(at) * normal(at));
    for (const at of places) {
      result.y[at] = normal(at) * scale(at) + (bias?.[channel(at)] ?? 0);
      result.input[at] = inverse * (gy[at]! * scale(at) - upstream - normal(at) * along);
      if (!channels) continue;
      result.weight[channel(at)]! += gy[at]! * normal(at);
      result.bias[channel(at)]! += gy[at]!;
    }
  }
  return result;
}

/** The transpose of the convolution `s`: from its output to its input. */
export function convTranspose2d(
  s: Conv2dShape,
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
  bias: ArrayLike<number>,
): Sums {
  const y = conv2dBackward(s, x, new Float64Array(s.N * s.IC * s.IH * s.IW), weight).input;
  const area = s.IH * s.IW;
  y.values.forEach((_, at) => {
    const own = bias[Math.floor(at / area) % s.IC]!;
    y.values[at]! += own;
    y.magnitudes[at]! += Math.abs(own);
  });
  return { ...y, terms: y.terms + 1 };
}
