import type { DataLoader } from '../data/loader.js';
import { describeTransform } from '../data/transform.js';
import { FormatError, OptionError } from '../errors.js';
import { checkOptions, positiveInteger, show } from '../options.js';
import { currentPlatform } from '../platform.js';
import { decodeCheckpoint, type TrainingSnapshot } from './checkpoint.js';
import { fieldsOf, isCount, isNumber, isNumberOrNaN, parseRates } from './checkpoint-record.js';
import type { EpochResult } from './fit-options.js';
import type { BaseRates } from './scheduled-rates.js';

/** Where the checkpoints of a training go, and how often there is one. */
export interface Checkpointing {
  /**
   * In Node a file, which is always a whole one: the last, or the one before where the process dies meanwhile. Or a
   * function that keeps the bytes of a safetensors file; the training waits for it (in a worker only at the end of the
   * epoch), and ends with what it throws.
   */
  to: string | URL | ((checkpoint: Uint8Array<ArrayBuffer>) => void | Promise<void>);
  /**
   * Steps from one to the next; default one after each epoch. There is one at the end of the training as well, and
   * where a signal ends it.
   */
  every?: number;
}

/** A checkpoint that `fit` made, to go on from: its bytes, or in Node its file. */
export type Resume = Uint8Array | string | URL;

/** Where a training is: what it has done of an epoch. */
export interface Position {
  /** From 1. */
  readonly epoch: number;
  /** Batches that are done. */
  readonly batch: number;
  readonly cost: number;
  readonly correct: number;
  readonly seen: number;
  /** Of those seen, the images whose labels the loss does not ignore. */
  readonly counted: number;
  readonly seconds: number;
}

export const startOf = (epoch: number): Position => ({
  epoch,
  batch: 0,
  cost: 0,
  correct: 0,
  seen: 0,
  counted: 0,
  seconds: 0,
});

/** What a checkpoint of `fit` holds beside what one of a trainer does. */
export interface FitRecord {
  readonly position: Position;
  /** Number of the epoch that the loader is in, or at whose start it is. */
  readonly loaderEpoch: number;
  readonly loader: LoaderRecord;
  readonly base: BaseRates;
  readonly results: readonly EpochResult[];
}

/** What the order of the batches depends on. */
interface LoaderRecord {
  readonly images: number;
  readonly batchSize: number;
  readonly shuffle: boolean;
  readonly seed: number;
  readonly dropLast: boolean;
  /** With what they were told, in their order. */
  readonly transforms: string;
}

export const loaderRecord = (loader: DataLoader): LoaderRecord => {
  const { dataset, batchSize, shuffle, seed, dropLast } = loader;
  const transforms = loader.transforms.map(describeTransform).join(', ') || 'none';
  return { images: dataset.length, batchSize, shuffle, seed, dropLast, transforms };
};

/** Throws `OptionError` for what cannot be used. */
export function checkCheckpointing(checkpoint: Checkpointing | undefined): void {
  if (checkpoint === undefined) return;
  const where = 'fit, checkpoint';
  const { to, every } = checkOptions(where, checkpoint, ['to', 'every']);
  const file = (typeof to === 'string' && to !== '') || to instanceof URL;
  if (!file && typeof to !== 'function') {
    throw new OptionError(`[${where}] to must be a file or a function but is ${show(to)}`);
  }
  if (file && !currentPlatform().files) {
    throw new OptionError(`[${where}] there are no files here: to must be a function but is ${show(to)}`);
  }
  if (every !== undefined) positiveInteger(where, 'every', every);
}

/** Keeps a checkpoint. Throws what `to` throws, and `DataError` where a file cannot be written. */
export async function keep(to: Checkpointing['to'], bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  if (typeof to === 'function') await to(bytes);
  else await currentPlatform().files!.write(to, bytes);
}

/** The bytes to go on from. Throws `DataError` where a file cannot be read. */
export async function resumeBytes(from: Resume): Promise<Uint8Array> {
  if (from instanceof Uint8Array) return from;
  const { files } = currentPlatform();
  if (typeof from !== 'string' && !(from instanceof URL)) {
    throw new OptionError(`[fit] resume must be the bytes of a checkpoint or a file but is ${show(from)}`);
  }
  if (!files)
    throw new OptionError(`[fit] there are no files here: resume must be bytes but is ${show(from)}`);
  return files.read(from);
}

/**
 * A checkpoint of `fit`. Throws `FormatError` for anything else, and `OptionError` where `loader` would give other
 * batches than the one that it was made with.
 */
export function readFitCheckpoint(
  bytes: Uint8Array,
  loader: DataLoader,
): TrainingSnapshot<FitRecord> & { fit: FitRecord } {
  const snapshot = decodeCheckpoint<unknown>(bytes);
  const fit = parseFitRecord(snapshot.fit);
  if (!fit) throw new FormatError('the checkpoint was not made by fit: use Trainer.restore');
  for (const [name, value] of Object.entries(loaderRecord(loader))) {
    const before = fit.loader[name as keyof LoaderRecord];
    if (before === value) continue;
    // A list of transforms is told as it is, not in quotes.
    const [was, is] = name === 'transforms' ? [before ?? 'unknown', value] : [show(before), show(value)];
    throw new OptionError(
      `[fit] the checkpoint was made with ${name} ${was} but now it is ${is}: the batches would be others`,
    );
  }
  return { ...snapshot, fit };
}

/** JSON has no NaN: what is right of values. */
const right = (value: number | null) => value ?? Number.NaN;

/** What `fit` left in a checkpoint; undefined where it is something else. */
function parseFitRecord(value: unknown): FitRecord | undefined {
  const { position, loaderEpoch, loader, base, results } = fieldsOf(value);
  const rates = parseRates(base);
  if (!isPosition(position) || !isCount(loaderEpoch) || !rates) return undefined;
  if (!Array.isArray(results) || !results.every(isResult)) return undefined;
  return {
    position: { ...position, correct: right(position.correct) },
    loaderEpoch,
    loader: fieldsOf(loader) as unknown as LoaderRecord,
    base: rates,
    results: results.map((one) => ({
      ...one,
      accuracy: right(one.accuracy),
      trainAccuracy: right(one.trainAccuracy),
    })),
  };
}

function isPosition(value: unknown): value is Position {
  const { epoch, batch, cost, correct, seen, counted, seconds } = fieldsOf(value);
  const counts = isCount(epoch, 1) && [batch, seen, counted].every((one) => isCount(one));
  return counts && isNumber(cost) && isNumberOrNaN(correct) && isNumber(seconds);
}

function isResult(value: unknown): value is EpochResult {
  const { epoch, accuracy, trainAccuracy, ...numbers } = fieldsOf(value);
  const { cost, loss, lr, steps, seconds, evalSeconds, validationLoss } = numbers;
  const known = [cost, loss, lr, seconds, evalSeconds, validationLoss ?? 0];
  const rights = [accuracy, trainAccuracy];
  return isCount(epoch, 1) && isCount(steps) && known.every(isNumber) && rights.every(isNumberOrNaN);
}
