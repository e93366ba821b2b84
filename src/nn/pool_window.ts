import { OptionError } from '../errors.js';
import { boolean, show } from '../options.js';
import { pair, type Size2d } from './pair.js';

/** What the pools that slide a window have in common. */
export interface PoolWindowOptions {
  stride: Size2d;
  padding: Size2d;
  ceilMode: boolean;
}

/** Checks and expands a pool's window as PyTorch does: a padding of more than half of it would hold nothing else. */
export function poolWindow(
  where: string,
  kernelSize: Size2d,
  { stride, padding, ceilMode }: PoolWindowOptions,
) {
  const window = {
    kernel: pair(where, 'kernelSize', kernelSize, 1),
    stride: pair(where, 'stride', stride, 1),
    padding: pair(where, 'padding', padding, 0),
    ceilMode: boolean(where, 'ceilMode', ceilMode),
  };
  if (window.padding.some((pad, axis) => pad > window.kernel[axis]! / 2)) {
    throw new OptionError(
      `[${where}] padding may be at most half of the kernel (${window.kernel.join('x')}) but is ${show(padding)}`,
    );
  }
  return window;
}
