import { ShapeError } from '../errors.js';
import { type Buffer, formatShape, type Operands, type TensorSpec } from './op.js';

/** The buffers of a loss: one image's class scores, its label, its loss, whether it was right, and the gradient. */
export interface LossBuffers {
  readonly logits: Buffer;
  readonly labels: Buffer;
  readonly losses: Buffer;
  readonly hits: Buffer;
  readonly gradLogits: Buffer | undefined;
}

/** What becomes of the images' losses: PyTorch's `reduction`. */
export type Reduction = 'mean' | 'sum';

/** A loss over integer labels: it ends a graph. */
export interface LossOp {
  readonly name: string;
  /** Classes that the scores stand for; throws `ShapeError` where the model does not end in a vector. */
  classes(logits: TensorSpec): number;
  emit(
    call: (kernel: string, params: Readonly<Record<string, number>>, operands: Operands) => void,
    classes: number,
    buffers: LossBuffers,
    reduction: Reduction,
  ): void;
}

/** -log softmax(logits)[label], torch.nn.functional.cross_entropy; stable for logits of any size. */
export const crossEntropy: LossOp = {
  name: 'cross_entropy',

  classes(logits) {
    if (logits.shape.length !== 1 || logits.flattened) {
      throw new ShapeError(
        `[cross_entropy] expected a vector of class scores an image but the model ends in ` +
          formatShape(logits.flattened ?? logits.shape),
      );
    }
    return logits.shape[0]!;
  },

  emit(call, classes, { logits, labels, losses, hits, gradLogits }, reduction) {
    call(
      'cross_entropy_forward',
      { classes, sum: reduction === 'sum' ? 1 : 0 },
      { logits, labels, losses, hits, grad_logits: gradLogits },
    );
  },
};
