import { foldedNorm, NORM, takesNorm } from './batch_norm_fold.js';
import {
  affine,
  type BatchNormAttributes,
  batchNormParams,
  channelPacking,
  inferBatchNorm,
  leastImages,
  statisticsOf,
  termsOf,
} from './batch_norm_parts.js';
import { batchNormPool } from './batch_norm_pool.js';
import { type Op, sizeOf } from './op.js';

export type { BatchNormAttributes };

/**
 * (x - mean) / sqrt(var + eps) * weight + bias a channel, torch.nn.functional.batch_norm: with the statistics of the
 * batch at hand in training, with the running ones elsewhere.
 */
export const batchNorm: Op<BatchNormAttributes> = {
  name: 'batch_norm',
  takesRelu: true,
  pooled: () => batchNormPool as Op,
  foldInto: ({ op, inference, attributes }, node) =>
    inference && op.takesNorm && takesNorm(attributes)
      ? { attributes: { norm: foldedNorm(node.attributes.eps) }, prefix: NORM }
      : undefined,
  state: ['running_mean', 'running_var', 'num_batches_tracked'],

  infer: inferBatchNorm,
  packing: channelPacking,
  leastBatch: leastImages,
  flops: ({ output, attributes }) => sizeOf(output) * (attributes.relu ? 3 : 2),

  forward(emit, node) {
    const statistics = statisticsOf(emit, node);
    emit.call('batch_norm_forward', batchNormParams(node), {
      x: emit.input(0),
      ...affine(emit, statistics),
      y: emit.output(),
    });
  },

  backward(emit, node) {
    const operands = {
      x: emit.input(0),
      grad_output: emit.gradOutput(),
      ...affine(emit, emit.saved('statistics')),
    };
    const params = batchNormParams(node);
    const terms = termsOf(emit, node, params, operands);
    const gradInput = emit.gradInput(0);
    if (gradInput) emit.call('batch_norm_backward', params, { ...operands, terms, grad_input: gradInput });
  },
};
