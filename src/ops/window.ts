import { ShapeError } from '../errors.js';
import { formatShape } from './op.js';

type Pair = readonly [number, number];

/** A window that slides over an image, for height and width. */
export interface Window {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly padding: Pair;
}

/** Its part of a kernel's parameters (native/kernels/params_*.h). */
export function windowParams({ kernel, stride, padding }: Window) {
  return {
    KH: kernel[0],
    KW: kernel[1],
    stride_h: stride[0],
    stride_w: stride[1],
    pad_h: padding[0],
    pad_w: padding[1],
  };
}

/** The same of one whose pixels lie apart. */
export function dilatedWindowParams({ dilation, ...window }: Window & { readonly dilation: Pair }) {
  return { ...windowParams(window), dilation_h: dilation[0], dilation_w: dilation[1] };
}

/** Of `what`, a kernel or a window, that does not fit into an image of H x W pixels with its padding. */
export function reachError(
  where: string,
  what: string,
  { kernel, padding, dilation }: Omit<Window, 'stride'> & { readonly dilation: Pair },
  [H, W]: Pair,
): ShapeError {
  const reach = kernel.map((taps, axis) => dilation[axis]! * (taps - 1) + 1);
  const padded = [H + 2 * padding[0], W + 2 * padding[1]];
  return new ShapeError(
    `[${where}] the ${what} reaches over ${formatShape(reach)} pixels but the padded image has ${formatShape(padded)}`,
  );
}
