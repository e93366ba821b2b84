import { type Op, pixelOrder, sizeOf } from './op.js';

/**
 * C x H x W to C*H*W features, torch.flatten(x, 1). No kernel runs: whoever reads the features knows from
 * `flattened` that they lie in (H, W, C) order.
 */
export const flatten: Op<Record<string, never>> = {
  name: 'flatten',
  plain: () => true,
  alias: () => true,
  infer(_where, inputs) {
    const input = inputs[0]!;
    return { shape: [sizeOf(input)], flattened: pixelOrder(input) };
  },
  flops: () => 0,
  forward() {},
  backward() {},
};
