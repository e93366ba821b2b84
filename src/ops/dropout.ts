import { type Buffer, type Emitter, floatBits, imageShapeOf, type NodeView, type Op, sizeOf } from './op.js';

export interface DropoutAttributes {
  /** Probability of a value to be dropped. */
  readonly p: number;
  /** Whole channels instead of single values. */
  readonly channels: boolean;
  /** False: nothing is dropped in training either. */
  readonly training: boolean;
}

/** Values times 0 or 1 / (1 - p), torch.nn.functional.dropout and dropout2d. Applied, the value itself. */
export const dropout: Op<DropoutAttributes> = {
  name: 'dropout',
  plain: () => true,

  identity: ({ p, training }, learns) => !learns || !training || p === 0,

  infer(where, inputs, _parameters, { channels }) {
    if (channels) imageShapeOf(where, inputs[0]!);
    return inputs[0]!;
  },

  flops: ({ output }) => sizeOf(output),

  forward(emit, node) {
    emitDropout(emit, node, emit.input(0), emit.output());
  },

  backward(emit, node) {
    const gradInput = emit.gradInput(0);
    if (gradInput) emitDropout(emit, node, emit.gradOutput(), gradInput);
  },
};

function emitDropout(
  emit: Emitter,
  { output, attributes }: NodeView<DropoutAttributes>,
  x: Buffer,
  y: Buffer,
) {
  const { p, channels } = attributes;
  const C = channels ? output.shape[0]! : sizeOf(output);
  const { words, stream } = emit.random();
  emit.call(
    'dropout',
    {
      C,
      positions: sizeOf(output) / C,
      stream,
      // As the bits of an int32. Where everything is dropped the scale is 0, too.
      threshold: Math.min(2 ** 32 - 1, Math.round(p * 2 ** 32)) | 0,
      scale: floatBits(p === 1 ? 0 : 1 / (1 - p)),
    },
    { x, random: words, y },
  );
}
