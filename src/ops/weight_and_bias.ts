import type { Buffer, Emitter } from './op.js';

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

/** The attribute of a layer whose op says `takesNorm`. */
export interface TakesNorm {
  /** Set by fusion: makes of weight and bias those with a normalisation in them. */
  readonly norm?: (emit: Emitter, own: WeightOperands, layout: WeightLayout) => WeightOperands;
}

/** A layer's weight and bias, with the normalisation that was folded into them. */
export function weightAndBias(emit: Emitter, { norm }: TakesNorm, layout: WeightLayout): WeightOperands {
  const own = { weight: emit.parameter('weight'), bias: emit.parameter('bias') };
  return norm ? norm(emit, own, layout) : own;
}
