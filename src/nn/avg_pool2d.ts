import { OptionError } from '../errors.js';
import type { SymbolicTensor } from '../graph/graph.js';
import { type AdaptiveAvgPool2d as Adaptive, avgPool2d, type SlidingAvgPool2d } from '../ops/avg_pool2d.js';
import { boolean, checkOptions, integerBetween, show } from '../options.js';
import { Module } from './module.js';
import { LARGEST, type Size2d } from './pair.js';
import { poolWindow } from './pool_window.js';

/** What `new AvgPool2d(...)` may be told. */
export interface AvgPool2dOptions {
  /** Default the kernel's size. */
  stride?: Size2d;
  /** Zeros around the image, at most half of the kernel; default 0. */
  padding?: Size2d;
  /** Round the output size up, so that no pixel is left out; default false. */
  ceilMode?: boolean;
  /** Let those zeros count in the mean; default true. */
  countIncludePad?: boolean;
  /** Divide the sums by this, whatever counts; default null. */
  divisorOverride?: number | null;
}

/** Checks and expands the options of an average-pool as PyTorch does. */
export function avgPool2dAttributes(
  where: string,
  kernelSize: Size2d,
  options?: AvgPool2dOptions,
): SlidingAvgPool2d {
  const known = ['stride', 'padding', 'ceilMode', 'countIncludePad', 'divisorOverride'] as const;
  const {
    stride = kernelSize,
    padding = 0,
    ceilMode = false,
    countIncludePad = true,
    divisorOverride = null,
  } = checkOptions(where, options, known);
  return {
    ...poolWindow(where, kernelSize, { stride, padding, ceilMode }),
    countIncludePad: boolean(where, 'countIncludePad', countIncludePad),
    divisorOverride:
      divisorOverride === null ? null : integerBetween(where, 'divisorOverride', divisorOverride, 1, LARGEST),
  };
}

/** torch.nn.AvgPool2d: the mean of each window of [C, H, W]. */
export class AvgPool2d extends Module {
  readonly #attributes: SlidingAvgPool2d;

  /** Throws `OptionError` for sizes that are not whole and positive, too much padding, and unknown options. */
  constructor(kernelSize: Size2d, options?: AvgPool2dOptions) {
    super();
    this.#attributes = avgPool2dAttributes('AvgPool2d', kernelSize, options);
  }

  forward(x: SymbolicTensor): SymbolicTensor {
    return x.graph.apply(avgPool2d, [x], {}, this.#attributes, this);
  }
}

/** An output size for height and width, or one each; null keeps the input's. */
export type AdaptiveSize2d = number | null | readonly [height: number | null, width: number | null];

/** Checks and expands the output size of an adaptive pool. */
export function adaptiveAttributes(where: string, outputSize: AdaptiveSize2d): Adaptive {
  if (Array.isArray(outputSize) && outputSize.length !== 2) {
    throw new OptionError(
      `[${where}] outputSize must be one number or [height, width] but is ${show(outputSize)}`,
    );
  }
  const one = (size: number | null) =>
    size === null ? null : integerBetween(where, 'outputSize', size, 1, LARGEST);
  const [height, width] = (Array.isArray(outputSize) ? outputSize : [outputSize, outputSize]) as [
    number | null,
    number | null,
  ];
  return { outputSize: [one(height), one(width)] };
}

/**
 * torch.nn.AdaptiveAvgPool2d: means of [C, H, W] over windows that share out the image, of which there are
 * `outputSize`. 1 gives the mean of every channel.
 */
export class AdaptiveAvgPool2d extends Module {
  readonly #attributes: Adaptive;

  /** Throws `OptionError` for sizes that are not whole and positive, or null. */
  constructor(outputSize: AdaptiveSize2d) {
    super();
    this.#attributes = adaptiveAttributes('AdaptiveAvgPool2d', outputSize);
  }

  forward(x: SymbolicTensor): SymbolicTensor {
    return x.graph.apply(avgPool2d, [x], {}, this.#attributes, this);
  }
}
