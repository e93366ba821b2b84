import { ShapeError } from '../errors.js';
import { formatShape, type NodeView, type Op, sameOrder, sizeOf } from './op.js';
import { reluBackward } from './relu.js';

export interface AddAttributes {
  /** Set by fusion. */
  readonly relu?: boolean;
}

/** x + y of one shape, torch.add: the end of a residual block. */
export const add: Op<AddAttributes> = {
  name: 'add',
  plain: () => true,
  takesRelu: true,

  infer(where, inputs) {
    const [x, y] = inputs as [(typeof inputs)[0], (typeof inputs)[0]];
    if (formatShape(x.shape) !== formatShape(y.shape)) {
      throw new ShapeError(
        `[${where}] expected two tensors of one shape but got ${formatShape(x.shape)} and ${formatShape(y.shape)}`,
      );
    }
    if (!sameOrder(x, y)) {
      throw new ShapeError(
        `[${where}] expected features in one order but got those of flattened images ` +
          `(${formatShape((x.flattened ?? y.flattened)!)}) and others: add before flattening`,
      );
    }
    return x;
  },

  flops: ({ output, attributes }) => sizeOf(output) * (attributes.relu ? 2 : 1),

  forward(emit, node) {
    emit.call('add_forward', addParams(node), { x: emit.input(0), other: emit.input(1), y: emit.output() });
  },

  backward(emit, node) {
    if (node.attributes.relu) reluBackward(emit, node.output);
    emit.passGradient(0);
    emit.passGradient(1);
  },
};

function addParams({ output, attributes }: NodeView<AddAttributes>) {
  return { size: sizeOf(output), relu: attributes.relu ? 1 : 0 };
}
