import type { UpdateEmitter } from '../graph/update.js';
import { checkOptions, numberBetween } from '../options.js';

/**
 * An exponential moving average of the weights, torch.optim.swa_utils.AveragedModel with get_ema_multi_avg_fn: after
 * each step average = decay average + (1 - decay) weight, and the weight itself after the first. Buffers, running
 * statistics for instance, are not averaged: they are the model's.
 */
export interface Averaging {
  /** How much of the average is kept each step, 0 to 1; default 0.999. */
  decay?: number;
}

/** Name of the state that holds the averages. */
export const AVERAGE = 'average';
const NUMBERS = 'averaging';

/** Throws `OptionError` for a decay out of range. */
export function checkAveraging(
  where: string,
  averaging: Averaging | undefined,
): Required<Averaging> | undefined {
  if (averaging === undefined) return undefined;
  const name = `${where}, averaging`;
  const { decay = 0.999 } = checkOptions(name, averaging, ['decay']);
  return { decay: numberBetween(name, 'decay', decay, 0, 1) };
}

/** Emits the call that follows the weights; returns the values of the state that holds its numbers. */
export function emitAveraging({ all, numbers, call }: UpdateEmitter, { decay }: Required<Averaging>) {
  const { count, parameters, state } = all;
  call(
    'average_update',
    { count },
    {
      average: state(AVERAGE),
      parameter: parameters,
      // As many as every rule's numbers have room for.
      hyper: numbers(NUMBERS, 16)(0, 16),
    },
  );
  return {
    state: NUMBERS,
    values: (step: number) => Float32Array.of(1 - decay, step === 0 ? 1 : 0),
  };
}
