import {
  affine,
  type BatchNormAttributes,
  channelPacking,
  inferBatchNorm,
  leastImages,
  statisticsOf,
  termsOf,
} from './batch_norm_parts.js';
import { maxPool2d } from './max_pool2d.js';
import { type NodeView, type Op, sizeOf } from './op.js';

export interface BatchNormPoolAttributes extends BatchNormAttributes {
  readonly pool: readonly [number, number];
}

/**
 * Batch normalisation, ReLU (where `relu` is set) and max-pool in one, made by fusion: neither the normalised
 * activation nor its gradient reaches memory.
 */
export const batchNormPool: Op<BatchNormPoolAttributes> = {
  name: 'batch_norm_pool',
  takesRelu: true,

  infer(where, inputs, parameters, attributes) {
    const { pool } = attributes;
    const normal = inferBatchNorm(where, inputs, parameters, attributes);
    const pooling = {
      kernel: pool,
      stride: pool,
      padding: [0, 0],
      dilation: [1, 1],
      ceilMode: false,
    } as const;
    return maxPool2d.infer(where, [normal], {}, pooling);
  },

  packing: channelPacking,
  leastBatch: leastImages,
  flops: ({ inputs, attributes }) => sizeOf(inputs[0]!) * (attributes.relu ? 4 : 3),

  forward(emit, node) {
    const statistics = statisticsOf(emit, node);
    emit.call('batch_norm_pool_forward', batchNormPoolParams(node), {
      x: emit.input(0),
      ...affine(emit, statistics),
      y: emit.output(),
      argmax: emit.save('argmax', sizeOf(node.output)),
      selected: emit.save('selected', Float32Array.BYTES_PER_ELEMENT * sizeOf(node.output)),
    });
  },

  backward(emit, node) {
    const { statistics, weight, bias } = affine(emit, emit.saved('statistics'));
    const [C, PH, PW] = node.output.shape as [number, number, number];
    const selected = { C, positions: PH * PW, relu: node.attributes.relu ? 1 : 0 };
    const grad_output = emit.gradOutput();
    const operands = { x: emit.saved('selected'), grad_output, statistics, weight, bias };
    const terms = termsOf(emit, node, selected, operands);
    const gradInput = emit.gradInput(0);
    if (!gradInput) return;
    emit.call('batch_norm_pool_backward', batchNormPoolParams(node), {
      x: emit.input(0),
      grad_output,
      argmax: emit.saved('argmax'),
      statistics,
      terms,
      grad_input: gradInput,
    });
  },
};

function batchNormPoolParams({ inputs, output, attributes }: NodeView<BatchNormPoolAttributes>) {
  const [C, H, W] = inputs[0]!.shape as [number, number, number];
  const [, PH, PW] = output.shape as [number, number, number];
  const [pool_h, pool_w] = attributes.pool;
  return { C, H, W, relu: attributes.relu ? 1 : 0, pool_h, pool_w, PH, PW };
}
