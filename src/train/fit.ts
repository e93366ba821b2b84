import type { BackendInfo } from '../backend/backend.js';
import { loadBackend } from '../backend/load.js';
import type { Dataset } from '../data/dataset.js';
import type { Batch, DataLoader } from '../data/loader.js';
import { NumericError, OptionError } from '../errors.js';
import type { Module } from '../nn/module.js';
import { type Evaluation, evaluateWith } from './evaluate.js';
import { type BatchProgress, checkFit, type EpochResult, type FitOptions } from './fit-options.js';
import { Gate } from './gate.js';
import { Predictor } from './predictor.js';
import { type StepResult, Trainer } from './trainer.js';

export type { BatchProgress, EpochResult, FitOptions };

/** What a training leaves to plot; `history.json` holds it. */
export interface History {
  /** What it was computed with. */
  readonly info: BackendInfo;
  /** One record an epoch that was finished. */
  readonly epochs: EpochResult[];
}

/**
 * Trains a model: `for await (const { epoch, cost, accuracy } of fit(model, train, { ... })) ...`, or
 * `await fit(model, train, { ..., onEpoch }).finish()`. Nothing runs before the iteration starts; leaving the loop
 * ends the training with the weights of the last step. Throws `OptionError` at once; the iteration throws
 * `ShapeError`, `LabelError`, and `NumericError` naming epoch and batch where the loss is not finite any more.
 */
export function fit(model: Module, train: Dataset | DataLoader, options: FitOptions): FitRun {
  return new FitRun(model, train, options);
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
    const { loader, epochs } = checkFit(train, options, ['backend']);
    this.#epochs = epochs;
    this.#model = model;
    this.#options = options;
    this.#loader = loader;
  }

  /** Halts before the next batch, until `resume()` or an abort. */
  pause(): void {
    this.#gate.close();
  }

  /** Goes on where `pause()` halted it. */
  resume(): void {
    this.#gate.open();
  }

  /** Whether it was told to halt. */
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

  /** Trains, a record an epoch. Throws what `fit` says. */
  async *[Symbol.asyncIterator](): AsyncGenerator<EpochResult, void, undefined> {
    if (this.#started) throw new OptionError('[fit] a training runs once: call fit again for another one');
    this.#started = true;
    const { optimizer, loss, validation, onEpoch } = this.#options;
    const backend = this.#options.backend ?? (await loadBackend());
    this.#info = backend.info();
    const { batchSize, shape: inputShape } = this.#loader;
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
