import { ShapeError } from '../errors.js';
import { formatShape, type NodeView, type Op, sameOrder, type TensorSpec } from './op.js';

/** Tensors one after another along their channels or features, torch.cat(tensors, dim=1). */
export const concat: Op<Record<string, never>> = {
  name: 'concat',

  infer(where, inputs) {
    const [first] = inputs as [TensorSpec];
    const [, ...image] = first.shape;
    for (const { shape } of inputs) {
      const [, ...own] = shape;
      if (shape.length !== first.shape.length || formatShape(own) !== formatShape(image)) {
        const shapes = inputs.map((one) => formatShape(one.shape)).join(' and ');
        throw new ShapeError(
          `[${where}] expected tensors that differ in their channels alone but got ${shapes}`,
        );
      }
    }
    for (const input of inputs) {
      if (!sameOrder(input, { shape: input.shape })) {
        throw new ShapeError(
          `[${where}] expected features but got those of flattened images ` +
            `(${formatShape(input.flattened!)}): concatenate before flattening`,
        );
      }
    }
    return { shape: [inputs.reduce((sum, { shape }) => sum + shape[0]!, 0), ...image] };
  },

  flops: () => 0,

  forward(emit, node) {
    for (const [index, { C, at, of, positions }] of pieces(node).entries()) {
      emit.call(
        'copy_channels',
        { C, positions, source_C: C, from: 0, target_C: of, to: at },
        { x: emit.input(index), y: emit.output() },
      );
    }
  },

  backward(emit, node) {
    for (const [index, { C, at, of, positions }] of pieces(node).entries()) {
      const gradInput = emit.gradInput(index);
      if (!gradInput) continue;
      emit.call(
        'copy_channels',
        { C, positions, source_C: of, from: at, target_C: C, to: 0 },
        { x: emit.gradOutput(), y: gradInput },
      );
    }
  },
};

/** Where each input's C channels begin among `of`. */
function pieces({ inputs, output }: NodeView<unknown>) {
  const [of, H = 1, W = 1] = output.shape as [number, number?, number?];
  let next = 0;
  return inputs.map(({ shape }) => {
    const at = next;
    next += shape[0]!;
    return { C: shape[0]!, at, of, positions: H * W };
  });
}
