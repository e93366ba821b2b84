import type { Backend, BackendInfo } from '../backend/backend.js';
import { loadBackend } from '../backend/load.js';
import type { Dataset } from '../data/dataset.js';
import { type Batch, DataLoader } from '../data/loader.js';
import { NumericError, OptionError } from '../errors.js';
import type { Loss } from '../nn/loss.js';
import type { Module } from '../nn/module.js';
import type { Optimizer } from '../optim/optimizer.js';
import { boolean, checkOptions, nonNegativeInteger, positiveInteger, show } from '../options.js';
import { type Evaluation, evaluateWith } from './evaluate.js';
import { Gate } from './gate.js';
import { Predictor } from './predictor.js';
import { type StepResult, Trainer } from './trainer.js';

export interface FitOptions {
  optimizer: Optimizer;
  /** Passes over the data; default 1. */
  epochs?: number;
  /** Images a step, the last of an epoch may hold fewer; default 100. */
  batchSize?: number;
  /** Default `CrossEntropyLoss`. */
  loss?: Loss;
  /** Evaluated after every epoch: then `accuracy` is the accuracy on it. */
  validation?: Dataset;
  /** A new order every epoch; default false, as in the article. */
  shuffle?: boolean;
  /** Where the orders come from; default 0. */
  seed?: number;
  /** Default the backend of `loadBackend()`. */
  backend?: Backend;
  /** Ends the training within one batch, with the weights of the last step: the iteration ends, `aborted` is true. */
  signal?: AbortSignal;
  /** After every step. What it throws ends the training and comes out of the iteration. */
  onBatch?: (progress: BatchProgress) => void;
  /** After every epoch: the callback form, with `await fit(...).finish()`. */
  onEpoch?: (epoch: EpochResult) => void | Promise<void>;
}

export interface BatchProgress extends StepResult {
  /** From 1. */
  readonly epoch: number;
  /** From 1, within the epoch. */
  readonly batch: number;
  /** Batches in an epoch. */
  readonly batches: number;
  /** Images of this epoch so far. */
  readonly seen: number;
}

export interface EpochResult {
  /** From 1. */
  readonly epoch: number;
  /** The batches' mean losses, summed, as the article plots them. */
  readonly cost: number;
  /** Mean loss over the epoch's batches. */
  readonly loss: number;
  /** Fraction right: on `validation` after the epoch, or else on the training images as they were learnt. */
  readonly accuracy: number;
  readonly trainAccuracy: number;
  /** Mean loss on `validation`. */
  readonly validationLoss?: number;
  /** Training alone. */
  readonly seconds: number;
  readonly evalSeconds: number;
}

/** What a training leaves to plot; `history.json` holds it. */
export interface History {
  readonly info: BackendInfo;
  readonly epochs: EpochResult[];
}

const KNOWN = [
  'optimizer',
  'epochs',
  'batchSize',
  'loss',
  'validation',
  'shuffle',
  'seed',
  'backend',
  'signal',
  'onBatch',
  'onEpoch',
] as const;

/**
 * Trains a model: `for await (const { epoch, cost, accuracy } of fit(model, train, { ... })) ...`, or
 * `await fit(model, train, { ..., onEpoch }).finish()`. Nothing runs before the iteration starts; leaving the loop
 * ends the training with the weights of the last step. Throws `OptionError` at once; the iteration throws
 * `ShapeError`, `LabelError`, and `NumericError` naming epoch and batch where the loss is not finite any more.
 */
export function fit(model: Module, train: Dataset | DataLoader, options: FitOptions): FitRun {
  return new FitRun(model, train, options);
}

/** What `fit` was asked for, checked: throws `OptionError` for what cannot be used and for options not in `known`. */
export function checkFit<Options extends Omit<FitOptions, 'backend'>>(
  train: Dataset | DataLoader,
  options: Options,
  known: readonly (keyof Options & string)[],
): { loader: DataLoader; epochs: number } {
  const where = 'fit';
  const { epochs = 1, batchSize, shuffle, seed, onBatch, onEpoch } = checkOptions(where, options, known);
  nonNegativeInteger(where, 'epochs', epochs);
  for (const [name, callback] of Object.entries({ onBatch, onEpoch })) {
    if (callback !== undefined && typeof callback !== 'function') {
      throw new OptionError(`[${where}] ${name} must be a function but is ${show(callback)}`);
    }
  }
  const given = train instanceof DataLoader;
  if (given && (batchSize !== undefined || shuffle !== undefined || seed !== undefined)) {
    throw new OptionError(
      `[${where}] batchSize, shuffle and seed belong to the DataLoader that it was given`,
    );
  }
  const loader = given
    ? train
    : new DataLoader(train, {
        batchSize: positiveInteger(where, 'batchSize', batchSize ?? 100),
        shuffle: boolean(where, 'shuffle', shuffle ?? false),
        seed: nonNegativeInteger(where, 'seed', seed ?? 0),
      });
  if (loader.length === 0) throw new OptionError(`[${where}] the training data gives no batch`);
  return { loader, epochs };
}

/** A training: iterate it once. */
export class FitRun implements AsyncIterable<EpochResult> {
  readonly #model: Module;
  readonly #loader: DataLoader;
  readonly #epochs: number;
  readonly #options: FitOptions;
  readonly #results: EpochResult[] = [];
  #info: BackendInfo | undefined;
  readonly #gate = new Gate();
  #started = false;
  #aborted = false;

  constructor(model: Module, train: Dataset | DataLoader, options: FitOptions) {
    const { loader, epochs } = checkFit(train, options, KNOWN);
    this.#epochs = epochs;
    this.#model = model;
    this.#options = options;
    this.#loader = loader;
  }

  /** Halts before the next batch, until `resume()` or an abort. */
  pause(): void {
    this.#gate.close();
  }

  resume(): void {
    this.#gate.open();
  }

  get paused(): boolean {
    return this.#gate.closed;
  }

  /** True once the signal ended the training. */
  get aborted(): boolean {
    return this.#aborted;
  }

  /** What there is to plot so far. Throws `OptionError` before the first epoch has started. */
  get history(): History {
    if (!this.#info) throw new OptionError('[fit] there is no history before the training has started');
    return { info: this.#info, epochs: [...this.#results] };
  }

  /** Trains to the end without a loop. */
  async finish(): Promise<History> {
    for await (const _ of this);
    return this.history;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<EpochResult, void, undefined> {
    if (this.#started) throw new OptionError('[fit] a training runs once: call fit again for another one');
    this.#started = true;
    const { optimizer, loss, validation, onEpoch } = this.#options;
    const backend = this.#options.backend ?? (await loadBackend());
    this.#info = backend.info();
    const inputShape = this.#loader.dataset.shape;
    const { batchSize } = this.#loader;
    const trainer = new Trainer(this.#model, { inputShape, optimizer, loss, batchSize, backend });
    const predictor =
      validation && new Predictor(this.#model, { inputShape: validation.shape, batchSize: 1000, backend });
    try {
      for (let epoch = 1; epoch <= this.#epochs; epoch++) {
        const trained = await this.#trainEpoch(trainer, epoch);
        const start = performance.now();
        const evaluation = trained && predictor && (await this.#validate(predictor, validation!));
        if (!trained || this.#aborted) return;
        const result: EpochResult = {
          epoch,
          cost: trained.cost,
          loss: trained.cost / trained.batches,
          accuracy: evaluation?.accuracy ?? trained.accuracy,
          trainAccuracy: trained.accuracy,
          validationLoss: evaluation?.loss,
          seconds: trained.seconds,
          evalSeconds: evaluation ? (performance.now() - start) / 1000 : 0,
        };
        this.#results.push(result);
        await onEpoch?.(result);
        yield result;
      }
    } finally {
      trainer.dispose();
      predictor?.dispose();
    }
  }

  async #validate(predictor: Predictor, validation: Dataset): Promise<Evaluation | undefined> {
    const evaluation = await evaluateWith(predictor, validation, this.#options.signal);
    this.#aborted = !evaluation;
    return evaluation;
  }

  /** One pass over the data; undefined where the signal ended it. */
  async #trainEpoch(trainer: Trainer, epoch: number) {
    const batches = this.#loader.length;
    let start = performance.now();
    let cost = 0;
    let correct = 0;
    let seen = 0;
    const source = this.#loader[Symbol.iterator]();
    let next = source.next();
    while (!next.done) {
      if (this.#gate.closed) start += await this.#gate.pass(this.#options.signal);
      if (this.#options.signal?.aborted) {
        this.#aborted = true;
        return undefined;
      }
      const { images, labels, index }: Batch = next.value;
      const step = trainer.step(images, labels);
      let result: StepResult;
      try {
        // The next batch is gathered while this one is computed.
        next = source.next();
      } finally {
        result = await step;
      }
      if (!Number.isFinite(result.loss))
        throw this.#divergence(result.loss, epoch, index + 1, batches, trainer);
      cost += result.loss;
      correct += result.correct;
      seen += result.size;
      this.#options.onBatch?.({ ...result, epoch, batch: index + 1, batches, seen });
    }
    return { cost, batches, accuracy: correct / seen, seconds: (performance.now() - start) / 1000 };
  }

  #divergence(
    loss: number,
    epoch: number,
    batch: number,
    batches: number,
    { optimizer }: Trainer,
  ): NumericError {
    return new NumericError(
      `[fit] the loss became ${loss} in epoch ${epoch}, batch ${batch} of ${batches} (lr ${optimizer.lr}): ` +
        `the weights are those of the batch before; try a lower learning rate, and look for NaN in the data`,
    );
  }
}
