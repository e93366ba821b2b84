import { NumericError, type NumericOrigin } from '../errors.js';
import type { Anomaly } from './anomaly.js';

/** Where in a training a step was. */
export interface Place {
  readonly epoch: number;
  /** From 1, of `batches`. */
  readonly batch: number;
  readonly batches: number;
  readonly lr: number;
  /** The numbers in the data set of the batch's images. */
  readonly images: () => Uint32Array;
}

/** The error that ends a training whose step `became` something: the first number that is not finite, and where. */
export function divergence(
  became: string | undefined,
  { epoch, batch, batches, lr, images }: Place,
  anomaly: Anomaly | undefined,
): NumericError {
  const { origin, layer, image, text } = anomaly ?? {};
  const where = `epoch ${epoch}, batch ${batch} of ${batches} (lr ${lr})`;
  const head = became === undefined ? where : `${became} in ${where}`;
  const number = image === undefined ? undefined : images()[image];
  const which = number === undefined ? '' : ` (${number} of the data set)`;
  return new NumericError(
    `[fit] ${head}: ${text === undefined ? '' : `${text}${which}; `}the weights are those of the batch before` +
      remedy(origin),
    { origin, layer },
  );
}

function remedy(origin: NumericOrigin | undefined): string {
  switch (origin) {
    case undefined:
      return '; try a lower learning rate, and look for NaN in the data';
    case 'images':
    case 'targets':
      return '';
    case 'weights':
      return '; detectAnomaly finds the step that made it so';
    default:
      return '; try a lower learning rate, or clipGradNorm';
  }
}
