import { OptionError } from '../errors.js';
import { oneOf } from '../options.js';

/** A number of `EpochResult` that says how good an epoch was. */
export type Monitor = 'loss' | 'trainAccuracy' | 'validationLoss' | 'accuracy';

const MONITORS: readonly Monitor[] = ['loss', 'trainAccuracy', 'validationLoss', 'accuracy'];

/** An epoch's numbers, as far as they can be monitored. */
export type Monitored = { readonly [M in Monitor]?: number | undefined };

/** Throws `OptionError` for what is none. */
export function checkMonitor(where: string, monitor: unknown): Monitor {
  return oneOf(where, 'monitor', monitor, MONITORS);
}

/** Whether more of it is better. */
export function moreIsBetter(monitor: Monitor): boolean {
  return monitor === 'accuracy' || monitor === 'trainAccuracy';
}

/** What is looked at where nothing was said: the loss on the validation images, or without them that in training. */
export function monitorFor(where: string, monitor: Monitor | undefined, validated: boolean): Monitor {
  if (monitor === 'validationLoss' && !validated) {
    throw new OptionError(`[${where}] validationLoss can only be monitored with validation images`);
  }
  return monitor ?? (validated ? 'validationLoss' : 'loss');
}
