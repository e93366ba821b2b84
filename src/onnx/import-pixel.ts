import type { ImportedNode } from './import-node.js';
import type { TensorValue } from './value.js';

/**
 * Features that the file reshaped to N x 1 x 1 x C, as one pixel whose channels are last: Keras makes gates so. Anything
 * else as it is.
 */
export function asPixel(node: ImportedNode, x: TensorValue): TensorValue {
  const [first, H, C = 1] = x.symbolic.shape;
  if (x.channelsLast || x.symbolic.shape.length !== 3 || first !== 1 || H !== 1) return x;
  return node.apply({ ...x, channelsLast: true }, [x], ([one]) => one!.reshape([C, 1, 1]));
}
