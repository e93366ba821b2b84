import { imageShapeOf, type NodeView, type Op, sizeOf } from './op.js';
import { dilatedWindowParams, reachError } from './window.js';

export interface MaxPool2dAttributes {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly ceilMode: boolean;
}

/**
 * Output size along one axis, torch.nn.MaxPool2d: in ceil mode a last window that would start in the right padding
 * is dropped.
 */
export function poolOutput(
  size: number,
  { kernel, stride, padding, dilation, ceilMode }: MaxPool2dAttributes,
  axis: 0 | 1,
): number {
  const span = size + 2 * padding[axis] - dilation[axis] * (kernel[axis] - 1) - 1;
  const output = (ceilMode ? Math.ceil : Math.floor)(span / stride[axis]) + 1;
  return ceilMode && (output - 1) * stride[axis] >= size + padding[axis] ? output - 1 : output;
}

/** A window's place must fit a byte beside 255, the mark of a place that ReLU cut. */
const MAX_WINDOW = 254;

/** Whether what comes before can pool as well: windows that do not overlap, on no padding. */
function canFold({ kernel, stride, padding, dilation, ceilMode }: MaxPool2dAttributes): boolean {
  return (
    !ceilMode &&
    [0, 1].every((axis) => stride[axis] === kernel[axis] && padding[axis] === 0 && dilation[axis] === 1) &&
    kernel[0] * kernel[1] <= MAX_WINDOW
  );
}

/** The largest value of each window; the first of equals, and NaN above all, as torch.nn.functional.max_pool2d. */
export const maxPool2d: Op<MaxPool2dAttributes> = {
  name: 'max_pool2d',
  plain: () => true,

  foldInto(before, { attributes }) {
    const op = canFold(attributes) ? before.op.pooled?.(before, before.shared) : undefined;
    return op && { op, attributes: { pool: attributes.kernel } };
  },

  infer(where, inputs, _parameters, attributes) {
    const [C, H, W] = imageShapeOf(where, inputs[0]!);
    const OH = poolOutput(H, attributes, 0);
    const OW = poolOutput(W, attributes, 1);
    if (OH < 1 || OW < 1) throw reachError(where, 'window', attributes, [H, W]);
    return { shape: [C, OH, OW] };
  },

  flops: ({ output, attributes: { kernel } }) => sizeOf(output) * kernel[0] * kernel[1],

  forward(emit, node) {
    emit.call('max_pool2d_forward', maxPool2dParams(node), {
      x: emit.input(0),
      y: emit.output(),
      argmax: emit.save('argmax', 4 * sizeOf(node.output)),
    });
  },

  backward(emit, node) {
    const gradInput = emit.gradInput(0);
    if (!gradInput) return;
    emit.call('max_pool2d_backward', maxPool2dParams(node), {
      grad_output: emit.gradOutput(),
      argmax: emit.saved('argmax'),
      grad_input: gradInput,
    });
  },
};

function maxPool2dParams({ inputs, output, attributes }: NodeView<MaxPool2dAttributes>) {
  const [C, IH, IW] = inputs[0]!.shape as [number, number, number];
  return {
    C,
    IH,
    IW,
    OH: output.shape[1]!,
    OW: output.shape[2]!,
    ...dilatedWindowParams(attributes),
  };
}
