import type { SymbolicTensor } from '../graph/graph.js';
import { type MaxPool2dAttributes, maxPool2d } from '../ops/max_pool2d.js';
import { checkOptions } from '../options.js';
import { Module } from './module.js';
import { pair, type Size2d } from './pair.js';
import { poolWindow } from './pool_window.js';

/** What `new MaxPool2d(...)` may be told. */
export interface MaxPool2dOptions {
  /** Default the kernel's size. */
  stride?: Size2d;
  /** Minus infinity around the image, at most half of the kernel; default 0. */
  padding?: Size2d;
  /** Distance between the window's pixels; default 1. */
  dilation?: Size2d;
  /** Round the output size up, so that no pixel is left out; default false. */
  ceilMode?: boolean;
}

/** Checks and expands the options of a max-pool as PyTorch does. */
export function maxPool2dAttributes(
  where: string,
  kernelSize: Size2d,
  options?: MaxPool2dOptions,
): MaxPool2dAttributes {
  const known = ['stride', 'padding', 'dilation', 'ceilMode'] as const;
  const {
    stride = kernelSize,
    padding = 0,
    dilation = 1,
    ceilMode = false,
  } = checkOptions(where, options, known);
  return {
    ...poolWindow(where, kernelSize, { stride, padding, ceilMode }),
    dilation: pair(where, 'dilation', dilation, 1),
  };
}

/** torch.nn.MaxPool2d: the largest value of each window of [C, H, W]; the first of equals, NaN above all. */
export class MaxPool2d extends Module {
  readonly #attributes: MaxPool2dAttributes;

  /** Throws `OptionError` for sizes that are not whole and positive, too much padding, and unknown options. */
  constructor(kernelSize: Size2d, options?: MaxPool2dOptions) {
    super();
    this.#attributes = maxPool2dAttributes('MaxPool2d', kernelSize, options);
  }

  forward(x: SymbolicTensor): SymbolicTensor {
    return x.graph.apply(maxPool2d, [x], {}, this.#attributes, this);
  }
}
