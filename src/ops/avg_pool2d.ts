import { ShapeError } from '../errors.js';
import { poolOutput } from './max_pool2d.js';
import { formatShape, imageShapeOf, type NodeView, type Op, sizeOf } from './op.js';
import { windowParams } from './window.js';

/** Windows of one size. */
export interface SlidingAvgPool2d {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly ceilMode: boolean;
  readonly countIncludePad: boolean;
  /** What sums are divided by; null: by the pixels that count. */
  readonly divisorOverride: number | null;
}

/** Windows that share out the image; null keeps the size. */
export interface AdaptiveAvgPool2d {
  readonly outputSize: readonly [number | null, number | null];
}

export type AvgPool2dAttributes = SlidingAvgPool2d | AdaptiveAvgPool2d;

/** The mean of each window, torch.nn.functional.avg_pool2d and adaptive_avg_pool2d. */
export const avgPool2d: Op<AvgPool2dAttributes> = {
  name: 'avg_pool2d',

  infer(where, inputs, _parameters, attributes) {
    const [C, H, W] = imageShapeOf(where, inputs[0]!);
    if ('outputSize' in attributes) {
      const [OH, OW] = attributes.outputSize;
      return { shape: [C, OH ?? H, OW ?? W] };
    }
    const windows = { ...attributes, dilation: [1, 1] as const };
    const OH = poolOutput(H, windows, 0);
    const OW = poolOutput(W, windows, 1);
    if (OH < 1 || OW < 1) {
      const { kernel, padding } = attributes;
      throw new ShapeError(
        `[${where}] the window of ${formatShape(kernel)} pixels is larger than the padded image of ` +
          `${H + 2 * padding[0]}x${W + 2 * padding[1]}`,
      );
    }
    return { shape: [C, OH, OW] };
  },

  flops(node) {
    const { KH, KW } = avgPool2dParams(node);
    return sizeOf(node.output) * KH * KW;
  },

  forward(emit, node) {
    emit.call('avg_pool2d_forward', avgPool2dParams(node), { x: emit.input(0), y: emit.output() });
  },

  backward(emit, node) {
    const gradInput = emit.gradInput(0);
    if (!gradInput) return;
    emit.call('avg_pool2d_backward', avgPool2dParams(node), {
      grad_output: emit.gradOutput(),
      grad_input: gradInput,
    });
  },
};

function avgPool2dParams({ inputs, output, attributes }: NodeView<AvgPool2dAttributes>) {
  const [C, IH, IW] = inputs[0]!.shape as [number, number, number];
  const [, OH, OW] = output.shape as [number, number, number];
  const adaptive = 'outputSize' in attributes;
  const windows = adaptive ? largestWindows([IH, IW], [OH, OW]) : attributes;
  return {
    C,
    IH,
    IW,
    OH,
    OW,
    ...windowParams(windows),
    adaptive: adaptive ? 1 : 0,
    padded: windows.countIncludePad ? 1 : 0,
    divisor: windows.divisorOverride ?? 0,
  };
}

/** Of windows that share out an image, the size that most of them have: an adaptive pool's arithmetic goes by it. */
function largestWindows(input: readonly [number, number], output: readonly [number, number]) {
  const kernel = [Math.ceil(input[0] / output[0]), Math.ceil(input[1] / output[1])] as const;
  const none = [0, 0] as const;
  return { kernel, stride: kernel, padding: none, countIncludePad: false, divisorOverride: null };
}
