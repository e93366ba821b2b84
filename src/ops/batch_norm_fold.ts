import { statisticsOfRunning } from './batch_norm.js';
import type { Buffer, Emitter } from './op.js';

/** A batch normalisation that was folded into the layer before it, for inference: set by fusion. */
export interface FoldedNorm {
  readonly norm?: { readonly eps: number };
}

/** How a layer's parameters are called beside those of the normalisation folded into it. */
export const NORM = 'norm.';

/** How a weight lies in memory: [groups][rows][OC / groups]. */
export interface WeightLayout {
  readonly groups: number;
  readonly rows: number;
  /** Of one group. */
  readonly OC: number;
}

/** Operands of a layer's kernel; undefined where there is no bias. */
export interface WeightOperands {
  readonly weight: Buffer | undefined;
  readonly bias: Buffer | undefined;
}

/**
 * A layer's weight and bias; where a normalisation was folded into it, scaled and shifted once a run, so that they
 * follow the parameters.
 */
export function weightAndBias(
  emit: Emitter,
  { norm }: FoldedNorm,
  { groups, rows, OC }: WeightLayout,
): WeightOperands {
  const own = { weight: emit.parameter('weight'), bias: emit.parameter('bias') };
  if (!norm) return own;
  const folded = emit.whole('folded', groups * rows * OC);
  const folded_bias = emit.whole('folded bias', groups * OC);
  emit.prepare(
    'batch_norm_fold',
    { count: groups * rows, groups, rows, OC },
    {
      ...own,
      statistics: statisticsOfRunning(emit, groups * OC, norm.eps, NORM),
      norm_weight: emit.parameter(`${NORM}weight`),
      norm_bias: emit.parameter(`${NORM}bias`),
      folded,
      folded_bias,
    },
  );
  return { weight: folded, bias: folded_bias };
}
