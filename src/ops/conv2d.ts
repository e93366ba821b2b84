import { convolve, isDepthwise } from './conv2d_kernels.js';
import { conv2dPool } from './conv2d_pool.js';
import {
  type Conv2dAttributes,
  conv2dFlops,
  conv2dParams,
  inferConv2d,
  packConv2d,
  transposeLayout,
  weightLayout,
} from './conv2d_shape.js';
import type { NodeView, Op } from './op.js';
import { reluBackward } from './relu.js';
import { weightAndBias } from './weight_and_bias.js';
import { emitWinograd, emitWinogradAdjoint } from './winograd.js';

export type { Conv2dAttributes };

/** Cross-correlation of C x H x W images with OIHW weights, torch.nn.functional.conv2d. */
export const conv2d: Op<Conv2dAttributes> = {
  name: 'conv2d',
  plain: isPlain,
  takesRelu: true,
  takesNorm: true,
  // Pooled gradients come transposed: those of one weight that several nodes use have to be alike to be added.
  pooled: (node, shared) => (isPlain(node) && !shared ? (conv2dPool as Op) : undefined),
  infer: inferConv2d,
  packing: packConv2d,
  flops: conv2dFlops,

  forward(emit, node) {
    const params = conv2dParams(node);
    const parameters = weightAndBias(emit, node.attributes, weightLayout(node));
    const images = { x: emit.input(0), y: emit.output() };
    if (node.attributes.winograd) emitWinograd(emit, params, parameters, images);
    else convolve(emit, 'forward', params, { ...images, ...parameters });
  },

  backward(emit, node) {
    const params = conv2dParams(node);
    if (node.attributes.relu) reluBackward(emit, node.output);
    const gradWeight = emit.gradParameter('weight');
    const gradInput = emit.gradInput(0);
    if (gradWeight) {
      convolve(emit, 'backward_weight', params, {
        x: emit.input(0),
        grad_output: emit.gradOutput(),
        grad_weight: gradWeight,
        grad_bias: emit.gradParameter('bias'),
      });
    }
    if (!gradInput) return;
    const weight_t = emit.transposed('weight', transposeLayout(node));
    const images = { grad_output: emit.gradOutput(), grad_input: gradInput };
    if (node.attributes.winograd) emitWinogradAdjoint(emit, params, weight_t, images);
    else convolve(emit, 'backward_input', params, { weight_t, ...images });
  },
};

/** Whether the usual kernels do it: neither channel by channel nor by minimal filtering. */
function isPlain(node: NodeView<Conv2dAttributes>): boolean {
  return !node.attributes.winograd && !isDepthwise(conv2dParams(node));
}
