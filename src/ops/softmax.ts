import { ShapeError } from '../errors.js';
import { formatShape, type NodeView, type Op, sizeOf } from './op.js';

export interface SoftmaxAttributes {
  /** The dimension that sums to 1, the batch being 0; from the end where it is negative. */
  readonly dim: number;
  /** The logarithm of it. */
  readonly log: boolean;
}

/** e^x / sum of e^x over the channels or features, torch.nn.functional.softmax and log_softmax. */
export const softmax: Op<SoftmaxAttributes> = {
  name: 'softmax',

  infer(where, inputs, _parameters, { dim }) {
    const { shape } = inputs[0]!;
    const dimensions = shape.length + 1;
    if ((dim < 0 ? dim + dimensions : dim) !== 1) {
      const batch = `N x ${formatShape(shape).replaceAll('x', ' x ')}`;
      throw new ShapeError(`[${where}] goes over dimension 1 of ${batch} but dim is ${dim}`);
    }
    return inputs[0]!;
  },

  flops: ({ output }) => 4 * sizeOf(output),

  forward(emit, node) {
    emit.call('softmax_forward', softmaxParams(node), { x: emit.input(0), y: emit.output() });
  },

  backward(emit, node) {
    const gradInput = emit.gradInput(0);
    if (!gradInput) return;
    emit.call('softmax_backward', softmaxParams(node), {
      y: emit.output(),
      grad_output: emit.gradOutput(),
      grad_input: gradInput,
    });
  },
};

function softmaxParams({ output, attributes }: NodeView<SoftmaxAttributes>) {
  const [C] = output.shape as [number];
  return { C, positions: sizeOf(output) / C, log: attributes.log ? 1 : 0 };
}
