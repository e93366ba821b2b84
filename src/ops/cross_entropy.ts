import { ShapeError } from '../errors.js';
import type { LossOp } from './loss.js';
import { floatBits, formatShape, type TensorSpec } from './op.js';

export interface CrossEntropyAttributes {
  /** What an image of each class counts; null: all the same. */
  readonly weight: readonly number[] | null;
  /** The part of the target that is spread over all classes. */
  readonly labelSmoothing: number;
  /** The label of images that do not count. */
  readonly ignoreIndex: number;
  /** The scores are logarithms of probabilities already. */
  readonly normalised: boolean;
}

export const PLAIN_CROSS_ENTROPY: CrossEntropyAttributes = {
  weight: null,
  labelSmoothing: 0,
  ignoreIndex: -100,
  normalised: false,
};

/** -log softmax(scores)[label], torch.nn.functional.cross_entropy and nll_loss; stable for scores of any size. */
export function crossEntropy(attributes: CrossEntropyAttributes = PLAIN_CROSS_ENTROPY): LossOp {
  const { weight, labelSmoothing, ignoreIndex, normalised } = attributes;
  const name = normalised ? 'nll_loss' : 'cross_entropy';
  return {
    plain: true,
    name,

    targets(output) {
      const classes = classesOf(name, output);
      if (weight && weight.length !== classes) {
        throw new ShapeError(`[${name}] got ${weight.length} weights but the model gives ${classes} scores`);
      }
      return { kind: 'labels', classes, ignoreIndex };
    },

    emit({ outputs, targets, losses, hits, gradOutputs, reduction, ...emit }, output) {
      const [classes] = output.shape as [number];
      const weights = emit.constant(weight);
      const total = emit.whole();
      const of = { labels: targets, weight: weights, total };
      emit.prepare('cross_entropy_total', { count: 1, classes, ignore: ignoreIndex }, of);
      emit.call(
        'cross_entropy_forward',
        {
          classes,
          sum: reduction === 'sum' ? 1 : 0,
          ignore: ignoreIndex,
          smoothing: floatBits(labelSmoothing),
          normalised: normalised ? 1 : 0,
        },
        { logits: outputs, ...of, losses, hits, grad_logits: gradOutputs },
      );
      return total;
    },

    measure(scores, labels, [classes]) {
      const each = 1 / classes!;
      let [sum, total] = [0, 0];
      for (let image = 0; image < scores.length / classes!; image++) {
        const label = labels[image]!;
        if (label === ignoreIndex) continue;
        const row = scores.subarray(image * classes!, (image + 1) * classes!);
        const norm = normalised ? 0 : logOfSum(row);
        const own = weight?.[label] ?? 1;
        sum += (1 - labelSmoothing) * own * (norm - row[label]!);
        total += own;
        if (labelSmoothing === 0) continue;
        row.forEach((score, c) => {
          sum += labelSmoothing * each * (weight?.[c] ?? 1) * (norm - score);
        });
      }
      return { sum, total };
    },
  };
}

/** Classes that a model's scores stand for; throws `ShapeError` where it does not end in a vector. */
export function classesOf(where: string, { shape, flattened }: TensorSpec): number {
  if (shape.length !== 1 || flattened) {
    throw new ShapeError(
      `[${where}] expected a vector of class scores an image but the model ends in ` +
        formatShape(flattened ?? shape),
    );
  }
  return shape[0]!;
}

function logOfSum(scores: Float32Array): number {
  const largest = scores.reduce((a, b) => Math.max(a, b));
  return Math.log(scores.reduce((sum, score) => sum + Math.exp(score - largest), 0)) + largest;
}
