import { ShapeError } from '../errors.js';
import {
  type Buffer,
  type Emitter,
  formatShape,
  type NodeView,
  type Op,
  type Operands,
  sameOrder,
  sizeOf,
  type TensorSpec,
} from './op.js';
import { windowParams } from './window.js';

/** x * y of one shape, or of an image and a gate of C x 1 x 1, one value a channel: torch.mul. */
export const mul: Op<Record<string, never>> = {
  name: 'mul',

  infer(where, inputs) {
    const [x, y] = inputs as [TensorSpec, TensorSpec];
    const isProduct = isGateOf(x, y) || isGateOf(y, x) || formatShape(x.shape) === formatShape(y.shape);
    if (!isProduct) {
      throw new ShapeError(
        `[${where}] expected two tensors of one shape, or an image of C x H x W and a gate of C x 1 x 1, ` +
          `but got ${formatShape(x.shape)} and ${formatShape(y.shape)}`,
      );
    }
    if (x.shape.length === 1 && !sameOrder(x, y)) {
      throw new ShapeError(
        `[${where}] expected features in one order but got those of flattened images ` +
          `(${formatShape((x.flattened ?? y.flattened)!)}) and others: multiply before flattening`,
      );
    }
    return inputs[imageOf(inputs)]!;
  },

  flops: ({ output }) => sizeOf(output),

  forward(emit, node) {
    const image = imageOf(node.inputs);
    multiply(emit, node, { x: emit.input(image), gate: emit.input(1 - image), y: emit.output() });
  },

  backward(emit, node) {
    const image = imageOf(node.inputs);
    const gradOutput = emit.gradOutput();
    const gradImage = emit.gradInput(image);
    if (gradImage) multiply(emit, node, { x: gradOutput, gate: emit.input(1 - image), y: gradImage });
    const gradGate = emit.gradInput(1 - image);
    if (gradGate) emitGradGate(emit, node, { x: emit.input(image), gradOutput, gradGate });
  },
};

function multiply(emit: Emitter, { inputs, output }: NodeView<unknown>, operands: Operands): void {
  const C = sizeOf(inputs[1 - imageOf(inputs)]!);
  emit.call('mul_forward', { C, positions: sizeOf(output) / C }, operands);
}

/** Each image's value times its gradient, which a gate adds up over the positions: as a pool of one window does. */
function emitGradGate(
  emit: Emitter,
  { inputs, output }: NodeView<unknown>,
  { x, gradOutput, gradGate }: Readonly<Record<'x' | 'gradOutput' | 'gradGate', Buffer>>,
): void {
  const size = sizeOf(output);
  const isSum = sizeOf(inputs[1 - imageOf(inputs)]!) < size;
  const y = isSum ? emit.temporary(size * Float32Array.BYTES_PER_ELEMENT) : gradGate;
  emit.call('mul_forward', { C: size, positions: 1 }, { x, gate: gradOutput, y });
  if (!isSum) return;
  const [C, IH, IW] = output.shape as [number, number, number];
  const window = windowParams({ kernel: [IH, IW], stride: [1, 1], padding: [0, 0] });
  const params = { C, IH, IW, OH: 1, OW: 1, ...window, adaptive: 0, padded: 0, divisor: 1 };
  emit.call('avg_pool2d_forward', params, { x: y, y: gradGate });
}

/** Whether it has one value for each channel of an image. */
function isGateOf({ shape }: TensorSpec, image: TensorSpec): boolean {
  const [C, H, W] = shape;
  return shape.length === 3 && image.shape.length === 3 && image.shape[0] === C && H === 1 && W === 1;
}

/** Which of the two is not the gate: the first where they are of one shape. */
const imageOf = ([x, y]: readonly TensorSpec[]): 0 | 1 => (sizeOf(x!) >= sizeOf(y!) ? 0 : 1);
