import { ShapeError } from '../errors.js';
import type { LossOp } from './loss.js';
import { formatShape, sizeOf, type TensorSpec } from './op.js';

/** Of one value: an output (a score), the target, the weight of a positive answer. */
type Term = (x: number, target: number, weight: number) => number;

/** (output - target)^2, torch.nn.functional.mse_loss. */
export function squaredError(): LossOp {
  return valueLoss('mse_loss', 0, null, (x, target) => (x - target) ** 2);
}

/** torch.nn.functional.binary_cross_entropy_with_logits; stable for scores of any size. */
export function binaryCrossEntropy(posWeight: readonly number[] | null): LossOp {
  return valueLoss('binary_cross_entropy_with_logits', 1, posWeight, (x, t, weight) => {
    const softplus = Math.log1p(Math.exp(-Math.abs(x))) + Math.max(-x, 0);
    return (1 - t) * x + (1 + (weight - 1) * t) * softplus;
  });
}

/** The mean over an image's values, or their sum; `kind` as native/kernels/value_loss.cc numbers them. */
function valueLoss(name: string, kind: number, weight: readonly number[] | null, term: Term): LossOp {
  return {
    plain: false,
    name,

    targets(output) {
      const { shape } = output;
      const channels = shape[0]!;
      if (weight && weight.length !== 1 && (weight.length !== channels || output.flattened)) {
        throw new ShapeError(
          `[${name}] got ${weight.length} weights but expected 1 or one for each of the ${channels} ` +
            `${shape.length === 1 ? 'scores' : 'channels'} of ${formatShape(output.flattened ?? shape)}`,
        );
      }
      return { kind: 'values', shape };
    },

    emit({ outputs, targets, losses, gradOutputs, reduction, ...emit }, output) {
      const C = weight ? output.shape[0]! : sizeOf(output);
      const all = weight?.length === 1 ? new Array<number>(C).fill(weight[0]!) : weight;
      emit.call(
        'value_loss_forward',
        { kind, C, positions: sizeOf(output) / C, sum: reduction === 'sum' ? 1 : 0 },
        { outputs, targets, weight: emit.constant(all), losses, grad_outputs: gradOutputs },
      );
      return undefined;
    },

    measure(outputs, targets, shape) {
      const size = sizeOf({ shape } satisfies TensorSpec);
      const positions = size / shape[0]!;
      let sum = 0;
      outputs.forEach((x, at) => {
        const own = weight?.length === 1 ? 0 : Math.floor((at % size) / positions);
        sum += term(x, targets[at]!, weight?.[own] ?? 1);
      });
      return { sum: sum / size, total: outputs.length / size };
    },
  };
}
