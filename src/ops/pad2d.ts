import { ShapeError } from '../errors.js';
import { floatBits, imageShapeOf, type NodeView, type Op } from './op.js';

/** What lies around the image: a constant, its mirror image, its outermost pixels. */
export type PadMode = 'constant' | 'reflect' | 'replicate';

export interface Pad2dAttributes {
  /** Pixels at the left, right, top, bottom; negative ones crop. */
  readonly padding: readonly [number, number, number, number];
  readonly mode: PadMode;
  /** The constant. */
  readonly value: number;
}

const MODES: Readonly<Record<PadMode, number>> = { constant: 0, reflect: 1, replicate: 2 };

/** Pixels around images, torch.nn.functional.pad. */
export const pad2d: Op<Pad2dAttributes> = {
  name: 'pad2d',

  infer(where, inputs, _parameters, { padding, mode }) {
    const [C, H, W] = imageShapeOf(where, inputs[0]!);
    const [left, right, top, bottom] = padding;
    const [OH, OW] = [H + top + bottom, W + left + right];
    const given = `padding of ${padding.join(', ')} (left, right, top, bottom)`;
    const cropped = (size: number, before: number, after: number) =>
      size + Math.min(before, 0) + Math.min(after, 0) < 1;
    if (cropped(H, top, bottom) || cropped(W, left, right)) {
      throw new ShapeError(`[${where}] a ${given} leaves nothing of an image of ${H}x${W}`);
    }
    if (mode === 'reflect' && (Math.max(left, right) >= W || Math.max(top, bottom) >= H)) {
      throw new ShapeError(
        `[${where}] a mirrored ${given} has to be less than the image, which is ${H}x${W} pixels`,
      );
    }
    return { shape: [C, OH, OW] };
  },

  flops: () => 0,

  forward(emit, node) {
    emit.call('pad2d_forward', pad2dParams(node), { x: emit.input(0), y: emit.output() });
  },

  backward(emit, node) {
    const gradInput = emit.gradInput(0);
    if (!gradInput) return;
    emit.call('pad2d_backward', pad2dParams(node), { grad_output: emit.gradOutput(), grad_input: gradInput });
  },
};

function pad2dParams({ inputs, output, attributes: { padding, mode, value } }: NodeView<Pad2dAttributes>) {
  const [C, IH, IW] = inputs[0]!.shape as [number, number, number];
  const [, OH, OW] = output.shape as [number, number, number];
  const [left, , top] = padding;
  return { C, IH, IW, OH, OW, top, left, mode: MODES[mode], value: floatBits(value) };
}
