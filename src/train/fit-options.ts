import type { Backend } from '../backend/backend.js';
import type { Dataset } from '../data/dataset.js';
import { DataLoader } from '../data/loader.js';
import type { Transform } from '../data/transform.js';
import { OptionError } from '../errors.js';
import type { Loss } from '../nn/loss.js';
import { type Averaging, checkAveraging } from '../optim/averaging.js';
import { checkClipping, type Clipping } from '../optim/clipping.js';
import type { Optimizer } from '../optim/optimizer.js';
import { Schedule } from '../optim/schedule.js';
import { boolean, checkOptions, nonNegativeInteger, positiveInteger, show } from '../options.js';
import { checkEarlyStopping, type EarlyStopping } from './early-stopping.js';
import { checkCheckpointing, type Checkpointing, type Resume } from './fit-checkpoint.js';
import type { StepResult } from './trainer.js';

/** What `fit` may be told; only the optimizer is needed. */
export interface FitOptions extends Clipping {
  /** How gradients become updates: `new SGD({ lr: 0.1 })`. Its `lr` may be set while it trains, in `onBatch` or between epochs. */
  optimizer: Optimizer;
  /** Passes over the data; default 1. */
  epochs?: number;
  /** Images a step, the last of an epoch may hold fewer; default 100. */
  batchSize?: number;
  /** Default `CrossEntropyLoss`. */
  loss?: Loss;
  /** Sets the learning rate before each step, from what it is at the start; afterwards it is that again. Default none. */
  schedule?: Schedule;
  /** Averages the weights as they are learnt; `fit` says when the model holds them. Default not. */
  averaging?: Averaging;
  /** Ends the training where it does not improve any more, with the best weights. Default not. */
  earlyStopping?: EarlyStopping;
  /** Where checkpoints go, from which a training that was killed goes on. Default none. */
  checkpoint?: Checkpointing;
  /**
   * A checkpoint that `fit` made, with the same model, data and options: the training goes on from there, to the bits
   * of one that was never interrupted.
   */
  resume?: Resume | undefined;
  /** Evaluated after every epoch, with the same loss: then `accuracy` is the accuracy on it. */
  validation?: Dataset;
  /** A new order every epoch; default false, as in the article. */
  shuffle?: boolean;
  /** Where the orders, the transforms' draws and what dropout drops come from; default 0. */
  seed?: number;
  /** What becomes of the training images, drawn anew every epoch: augmentation. Default none. */
  transforms?: readonly Transform[];
  /** Default the backend of `loadBackend()`. */
  backend?: Backend;
  /** Looks at every layer before each step, and names the first that gives NaN or infinity: `TrainerOptions` says more. */
  detectAnomaly?: boolean;
  /** Ends the training within one batch, with the weights of the last step: the iteration ends, `aborted` is true. */
  signal?: AbortSignal;
  /** After every step. What it throws ends the training and comes out of the iteration. */
  onBatch?: (progress: BatchProgress) => void;
  /** After every epoch: the callback form, with `await fit(...).finish()`. */
  onEpoch?: (epoch: EpochResult) => void | Promise<void>;
}

/** What a step came to, and where in the training it was. */
export interface BatchProgress extends StepResult {
  /** Learning rate of the step: the optimizer's own, where it has groups. */
  readonly lr: number;
  /** From 1. */
  readonly epoch: number;
  /** From 1, within the epoch. */
  readonly batch: number;
  /** Batches in an epoch. */
  readonly batches: number;
  /** Images of this epoch so far. */
  readonly seen: number;
}

/** What an epoch came to. */
export interface EpochResult {
  /** From 1. */
  readonly epoch: number;
  /** The batches' mean losses, summed, as the article plots them. */
  readonly cost: number;
  /** Mean loss over the epoch's batches. */
  readonly loss: number;
  /**
   * Fraction right: on `validation` after the epoch, or else on the training images as they were learnt; NaN where the
   * loss compares with values.
   */
  readonly accuracy: number;
  /** Fraction of the training images that were right as they were learnt. */
  readonly trainAccuracy: number;
  /** Mean loss on `validation`. */
  readonly validationLoss?: number;
  /** Learning rate of its last step: the optimizer's own, where it has groups. */
  readonly lr: number;
  /** Steps that the training has taken so far. */
  readonly steps: number;
  /** Training alone. */
  readonly seconds: number;
  /** Evaluating `validation` alone; 0 without it. */
  readonly evalSeconds: number;
}

/** Those that a training has wherever it runs. */
const KNOWN = [
  'optimizer',
  'epochs',
  'batchSize',
  'loss',
  'validation',
  'shuffle',
  'seed',
  'transforms',
  'signal',
  'onBatch',
  'onEpoch',
  'schedule',
  'averaging',
  'clipGradNorm',
  'clipGradValue',
  'earlyStopping',
  'checkpoint',
  'resume',
  'detectAnomaly',
] as const;

/**
 * What `fit` was asked for, checked. Throws `OptionError` for what cannot be used, and for options that are neither
 * among those that every training has nor among `more`.
 */
export function checkFit<Options extends Omit<FitOptions, 'backend'>>(
  train: Dataset | DataLoader,
  options: Options,
  more: readonly (keyof Options & string)[] = [],
): { loader: DataLoader; epochs: number; earlyStopping: Required<EarlyStopping> | undefined } {
  const where = 'fit';
  const {
    epochs = 1,
    batchSize,
    shuffle,
    seed,
    transforms,
    onBatch,
    onEpoch,
    schedule,
    averaging,
    clipGradNorm,
    clipGradValue,
    checkpoint,
    validation,
    detectAnomaly = false,
  } = checkOptions(where, options, [...KNOWN, ...more]);
  nonNegativeInteger(where, 'epochs', epochs);
  for (const [name, callback] of Object.entries({ onBatch, onEpoch })) {
    if (callback !== undefined && typeof callback !== 'function') {
      throw new OptionError(`[${where}] ${name} must be a function but is ${show(callback)}`);
    }
  }
  if (schedule !== undefined && !(schedule instanceof Schedule)) {
    throw new OptionError(
      `[${where}] schedule must be one such as new StepLR({ stepSize: 3 }) but is ${show(schedule)}`,
    );
  }
  boolean(where, 'detectAnomaly', detectAnomaly);
  checkAveraging(where, averaging);
  checkClipping(where, { clipGradNorm, clipGradValue });
  checkCheckpointing(checkpoint);
  const earlyStopping = checkEarlyStopping(options.earlyStopping, validation !== undefined);
  const given = train instanceof DataLoader;
  const loading = [batchSize, shuffle, seed, transforms];
  if (given && loading.some((option) => option !== undefined)) {
    throw new OptionError(
      `[${where}] batchSize, shuffle, seed and transforms belong to the DataLoader that it was given`,
    );
  }
  const loader = given
    ? train
    : new DataLoader(train, {
        batchSize: positiveInteger(where, 'batchSize', batchSize ?? 100),
        shuffle: boolean(where, 'shuffle', shuffle ?? false),
        seed: nonNegativeInteger(where, 'seed', seed ?? 0),
        transforms: transforms ?? [],
      });
  if (loader.length === 0) throw new OptionError(`[${where}] the training data gives no batch`);
  return { loader, epochs, earlyStopping };
}
