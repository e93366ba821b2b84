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
