import type { UpdateEmitter } from '../graph/update.js';
import { OptionError } from '../errors.js';
import { show } from '../options.js';

/** How gradients are kept from being too large, before the optimizer sees them. */
export interface Clipping {
  /**
   * Scales all gradients together so that their L2 norm is at most this, torch.nn.utils.clip_grad_norm_; the norm
   * before is in the step's result. `Infinity` only measures it. Default no limit, and no norm.
   */
  clipGradNorm?: number;
  /** Cuts each gradient off at plus and minus this, torch.nn.utils.clip_grad_value_. Default no limit. */
  clipGradValue?: number;
}

/** Gradients a piece of the sum of squares, as in native/kernels/params_parameters.h. */
const PIECE = 2048;
const LIMITS = 'limits';

/** Throws `OptionError` for limits that are not positive, and for both at once. */
export function checkClipping(where: string, { clipGradNorm, clipGradValue }: Clipping): Clipping {
  for (const [name, value] of Object.entries({ clipGradNorm, clipGradValue })) {
    if (value === undefined || (typeof value === 'number' && value > 0)) continue;
    throw new OptionError(`[${where}] ${name} must be a number above 0 but is ${show(value)}`);
  }
  if (clipGradNorm !== undefined && clipGradValue !== undefined) {
    throw new OptionError(
      `[${where}] takes clipGradNorm or clipGradValue but got both, ${clipGradNorm} and ${clipGradValue}`,
    );
  }
  return { clipGradNorm, clipGradValue };
}

/** Emits the calls; returns the values of the state that holds the limits. */
export function emitClipping(update: UpdateEmitter, clipping: Clipping) {
  const { clipGradNorm, clipGradValue } = clipping;
  if (clipGradNorm === undefined && clipGradValue === undefined) return undefined;
  const { count, gradients } = update.all;
  const limits = update.numbers(LIMITS, 2)(0, 2);
  const pieces = clipGradNorm === undefined ? 0 : Math.ceil(count / PIECE);
  const squares = pieces > 0 ? update.whole(pieces * Float64Array.BYTES_PER_ELEMENT) : undefined;
  const norm = squares && update.whole(Float32Array.BYTES_PER_ELEMENT);
  if (squares)
    update.call('gradient_squares', { count: pieces, gradients: count }, { gradient: gradients, squares });
  update.call('clip_gradients', { count, pieces }, { gradient: gradients, squares, limits, norm });
  if (norm) update.setNorm(norm);
  const { POSITIVE_INFINITY: none } = Number;
  return { state: LIMITS, values: () => Float32Array.of(clipGradNorm ?? none, clipGradValue ?? none) };
}
