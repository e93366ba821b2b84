import {
  type Conv2dAttributes,
  conv2dFlops,
  conv2dParams,
  inferConv2d,
  packConv2d,
  transposeLayout,
  weightLayout,
} from './conv2d_shape.js';
import { type MaxPool2dAttributes, maxPool2d } from './max_pool2d.js';
import { type NodeView, type Op, sizeOf } from './op.js';
import { weightAndBias } from './weight_and_bias.js';

export interface Conv2dPoolAttributes extends Conv2dAttributes {
  readonly pool: readonly [number, number];
}

/**
 * Convolution, bias, ReLU (where `relu` is set) and max-pool in one, made by fusion: the unpooled activation, the
 * largest tensor of a small network, never reaches memory, and the gradients walk only the values that survived.
 */
export const conv2dPool: Op<Conv2dPoolAttributes> = {
  name: 'conv2d_pool',
  takesRelu: true,
  transposedGradients: ['weight'],

  infer(where, inputs, parameters, attributes) {
    const unpooled = inferConv2d(where, inputs, parameters, attributes);
    return maxPool2d.infer(where, [unpooled], {}, poolAttributes(attributes));
  },

  packing: packConv2d,

  flops(node) {
    const { OH, OW, OC } = conv2dParams(node);
    return conv2dFlops({ ...node, output: { shape: [OC, OH, OW] } }) + OC * OH * OW;
  },

  forward(emit, node) {
    emit.call('conv2d_pool_forward', conv2dPoolParams(node), {
      x: emit.input(0),
      ...weightAndBias(emit, node.attributes, weightLayout(node)),
      y: emit.output(),
      argmax: emit.save('argmax', sizeOf(node.output)),
    });
  },

  backward(emit, node) {
    const params = conv2dPoolParams(node);
    const argmax = emit.saved('argmax');
    const gradWeight = emit.gradParameter('weight');
    const gradInput = emit.gradInput(0);
    if (gradWeight) {
      emit.call('conv2d_pool_backward_weight', params, {
        x: emit.input(0),
        grad_output: emit.gradOutput(),
        argmax,
        grad_weight: gradWeight,
        grad_bias: emit.gradParameter('bias'),
      });
    }
    if (gradInput) {
      emit.call('conv2d_pool_backward_input', params, {
        grad_output: emit.gradOutput(),
        argmax,
        weight_t: emit.transposed('weight', transposeLayout(node)),
        grad_input: gradInput,
      });
    }
  },
};

function poolAttributes({ pool }: Conv2dPoolAttributes): MaxPool2dAttributes {
  return { kernel: pool, stride: pool, padding: [0, 0], dilation: [1, 1], ceilMode: false };
}

function conv2dPoolParams(node: NodeView<Conv2dPoolAttributes>) {
  const [pool_h, pool_w] = node.attributes.pool;
  return { ...conv2dParams(node), pool_h, pool_w, PH: node.output.shape[1]!, PW: node.output.shape[2]! };
}
