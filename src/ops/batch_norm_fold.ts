import { statisticsOfRunning } from './batch_norm_parts.js';
import type { TakesNorm } from './weight_and_bias.js';

/** How a normalisation's parameters are called beside those of the layer that it was folded into. */
export const NORM = 'norm.';

/** Whether a layer with these attributes has neither a ReLU nor a normalisation in it yet. */
export function takesNorm(attributes: unknown): boolean {
  const { relu, norm } = attributes as TakesNorm & { readonly relu?: boolean };
  return !relu && !norm;
}

/** Scales and shifts a layer's weight and bias, once a run, so that they follow the parameters of both. */
export function foldedNorm(eps: number): NonNullable<TakesNorm['norm']> {
  return (emit, own, { groups, rows, OC }) => {
    const folded = emit.whole('folded', groups * rows * OC);
    const folded_bias = emit.whole('folded bias', groups * OC);
    emit.prepare(
      'batch_norm_fold',
      { count: groups * rows, groups, rows, OC },
      {
        ...own,
        statistics: statisticsOfRunning(emit, groups * OC, eps, NORM),
        norm_weight: emit.parameter(`${NORM}weight`),
        norm_bias: emit.parameter(`${NORM}bias`),
        folded,
        folded_bias,
      },
    );
    return { weight: folded, bias: folded_bias };
  };
}
