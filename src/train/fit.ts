import type { BackendInfo } from '../backend/backend.js';
import { targetsOf } from '../data/check.js';
import type { Dataset } from '../data/dataset.js';
import type { Batch, DataLoader } from '../data/loader.js';
import { NumericError, OptionError } from '../errors.js';
import { CrossEntropyLoss } from '../nn/loss.js';
import type { Module } from '../nn/module.js';
import { backendFor } from './backend-for.js';
import { encodeCheckpoint } from './checkpoint.js';
import { type BestEpoch, BestSoFar } from './early-stopping.js';
import { evaluateWith } from './evaluate.js';
import { keep, loaderRecord, readFitCheckpoint, resumeBytes, startOf } from './fit-checkpoint.js';
import { type BatchProgress, checkFit, type EpochResult, type FitOptions } from './fit-options.js';
import { divergence, type Place } from './divergence.js';
import { Gate } from './gate.js';
import { Predictor } from './predictor.js';
import { ScheduledRates } from './scheduled-rates.js';
import { type StepResult, Trainer } from './trainer.js';

export type { BatchProgress, EpochResult, FitOptions };

/** What a training leaves to plot; `history.json` holds it. */
export interface History {
  /** What it was computed with. */
  readonly info: BackendInfo;
  /** One record an epoch that was finished, those before a checkpoint that it was resumed from included. */
  readonly epochs: EpochResult[];
  /** The best epoch, where there is `earlyStopping`. */
  readonly best?: BestEpoch | undefined;
}

/**
 * Trains a model: `for await (const { epoch, cost, accuracy } of fit(model, train, { ... })) ...`, or
 * `await fit(model, train, { ..., onEpoch }).finish()`. Nothing runs before the iteration starts; leaving the loop
 * ends the training with the weights of the last step. Throws `OptionError` at once; the iteration throws
 * `ShapeError`, `LabelError`, and where the loss is not finite any more `NumericError` naming epoch and batch, and the
 * first image, weight or layer that is not finite: `detectAnomaly` looks at all of them before each step.
 *
 * With `averaging` the model holds the averaged weights whenever an epoch is over: while `validation` is evaluated, in
 * `onEpoch` and the loop's body, and in the end, however it ends; in `onBatch` it holds those that are trained.
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
  readonly #best: BestSoFar | undefined;
  readonly #gate = new Gate();
  #info: BackendInfo | undefined;
  #rates!: ScheduledRates;
  #position = startOf(1);
  /** Number that the loader gives to the epoch at hand, or to the next one between two. */
  #loaderEpoch = 0;
  #started = false;
  #aborted = false;
  #stoppedEarly = false;

  constructor(model: Module, train: Dataset | DataLoader, options: FitOptions) {
    const { loader, epochs, earlyStopping } = checkFit(train, options, ['backend']);
    this.#epochs = epochs;
    this.#model = model;
    this.#options = options;
    this.#loader = loader;
    this.#best = earlyStopping && new BestSoFar(earlyStopping);
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

  /** True once `earlyStopping` ended the training. */
  get stoppedEarly(): boolean {
    return this.#stoppedEarly;
  }

  /** The best epoch so far, where there is `earlyStopping`. */
  get best(): BestEpoch | undefined {
    return this.#best?.best;
  }

  /** What there is to plot so far. Throws `OptionError` before the first epoch has started. */
  get history(): History {
    if (!this.#info) throw new OptionError('[fit] there is no history before the training has started');
    return { info: this.#info, epochs: [...this.#results], ...(this.#best && { best: this.#best.best }) };
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
    const { optimizer, loss, validation, averaging, clipGradNorm, clipGradValue, resume, detectAnomaly } =
      this.#options;
    const { batchSize, seed, shape: inputShape } = this.#loader;
    const backend =
      this.#options.backend ?? (await backendFor(this.#model, inputShape, loss ?? new CrossEntropyLoss()));
    this.#info = backend.info();
    const clipping = { clipGradNorm, clipGradValue };
    const resumed = resume === undefined ? undefined : await resumeBytes(resume);
    const settings = {
      inputShape,
      optimizer,
      loss,
      batchSize,
      backend,
      averaging,
      seed,
      detectAnomaly,
      ...clipping,
    };
    const trainer = new Trainer(this.#model, settings);
    const predictor =
      validation && new Predictor(this.#model, { inputShape: validation.shape, batchSize: 1000, backend });
    try {
      this.#begin(trainer, resumed);
      yield* this.#trainEpochs(trainer, predictor);
      this.#restoreBest(trainer);
    } finally {
      this.#rates?.release();
      this.#show(trainer);
      trainer.dispose();
      predictor?.dispose();
    }
  }

  /** Starts at the first step, or where the checkpoint was made. */
  #begin(trainer: Trainer, resumed: Uint8Array | undefined): void {
    const { schedule, optimizer, validation } = this.#options;
    const length = {
      epochs: this.#epochs,
      batches: this.#loader.length,
      validated: validation !== undefined,
    };
    const checkpoint = resumed && readFitCheckpoint(resumed, this.#loader);
    this.#rates = new ScheduledRates(schedule, optimizer, length, checkpoint?.fit.base);
    this.#loaderEpoch = this.#loader.epoch;
    if (!checkpoint) return;
    trainer.restoreSnapshot(checkpoint);
    const { position, loaderEpoch, results } = checkpoint.fit;
    this.#results.push(...results);
    this.#best?.resume(results, checkpoint.best);
    this.#position = position;
    this.#loaderEpoch = loaderEpoch;
    this.#loader.epoch = loaderEpoch;
  }

  async *#trainEpochs(trainer: Trainer, predictor: Predictor | undefined): AsyncGenerator<EpochResult, void> {
    const { onEpoch, checkpoint } = this.#options;
    while (this.#position.epoch <= this.#epochs && !this.#best?.stop) {
      const { epoch } = this.#position;
      if (!(await this.#trainEpoch(trainer))) return;
      this.#show(trainer);
      const result = await this.#evaluate(trainer, predictor);
      if (!result) return;
      this.#results.push(result);
      this.#best?.note(result, this.#model);
      this.#position = startOf(epoch + 1);
      this.#loaderEpoch = this.#loader.epoch;
      const last = epoch === this.#epochs || this.#best?.stop === true;
      const every = checkpoint?.every;
      const due = last || every === undefined || (epoch * this.#loader.length) % every === 0;
      if (checkpoint && due) await this.#keepCheckpoint(trainer);
      await onEpoch?.(result);
      yield result;
      this.#hide(trainer);
    }
    this.#stoppedEarly = this.#position.epoch <= this.#epochs;
  }

  /** The record of an epoch whose steps are done; undefined where the signal ended its evaluation. */
  async #evaluate(trainer: Trainer, predictor: Predictor | undefined): Promise<EpochResult | undefined> {
    const { validation, optimizer } = this.#options;
    const { epoch, batch, cost, correct, counted, seconds } = this.#position;
    const lr = optimizer.lr;
    const start = performance.now();
    const evaluation = predictor && (await evaluateWith(predictor, validation!, this.#options));
    this.#aborted = predictor !== undefined && !evaluation;
    if (this.#aborted) return undefined;
    const trainAccuracy = correct / counted;
    return {
      epoch,
      cost,
      loss: cost / batch,
      accuracy: evaluation?.accuracy ?? trainAccuracy,
      trainAccuracy,
      validationLoss: evaluation?.loss,
      lr,
      steps: trainer.steps,
      seconds,
      evalSeconds: evaluation ? (performance.now() - start) / 1000 : 0,
    };
  }

  /** The rest of one pass over the data; false where the signal ended it. */
  async #trainEpoch(trainer: Trainer): Promise<boolean> {
    const { signal, onBatch, optimizer } = this.#options;
    const batches = this.#loader.length;
    const { epoch, batch: first, seconds } = this.#position;
    let start = performance.now() - seconds * 1000;
    const source = this.#batches(first);
    let next = source.next();
    while (!next.done) {
      if (this.#gate.closed) start += await this.#gate.pass(signal);
      if (signal?.aborted) {
        this.#aborted = true;
        if (this.#options.checkpoint) await this.#keepCheckpoint(trainer);
        return false;
      }
      const { images, index, ...answers }: Batch = next.value;
      this.#rates.apply(epoch, index, this.#results);
      const { lr } = optimizer;
      const step = trainer.step(images, targetsOf('fit', answers, trainer.targets));
      const place: Place = {
        epoch,
        batch: index + 1,
        batches,
        lr,
        images: () => this.#loader.order(this.#loaderEpoch).subarray(index * this.#loader.batchSize),
      };
      let result: StepResult;
      try {
        // The next batch is gathered while this one is computed.
        next = source.next();
      } finally {
        result = await this.#settle(trainer, step, place);
      }
      this.#count(result, (performance.now() - start) / 1000);
      onBatch?.({ ...result, lr, epoch, batch: index + 1, batches, seen: this.#position.seen });
      await this.#keepInEpoch(trainer);
    }
    return true;
  }

  /** The batches of the epoch at hand from number `first` on; the loader is in the next epoch then. */
  #batches(first: number): Iterator<Batch, void> {
    if (first === 0) return this.#loader[Symbol.iterator]();
    const epoch = this.#loader.epoch++;
    return this.#loader.batches(epoch, first);
  }

  #count({ loss, correct, size, counted }: StepResult, seconds: number): void {
    const { epoch, batch, ...before } = this.#position;
    this.#position = {
      epoch,
      batch: batch + 1,
      cost: before.cost + loss,
      correct: before.correct + correct,
      seen: before.seen + size,
      counted: before.counted + counted,
      seconds,
    };
  }

  /** A checkpoint where one is due in the middle of an epoch; that at its end comes after the evaluation. */
  async #keepInEpoch(trainer: Trainer): Promise<void> {
    const every = this.#options.checkpoint?.every;
    const { epoch, batch } = this.#position;
    if (every === undefined || batch === this.#loader.length) return;
    const step = (epoch - 1) * this.#loader.length + batch;
    if (step % every === 0) await this.#keepCheckpoint(trainer);
  }

  async #keepCheckpoint(trainer: Trainer): Promise<void> {
    const shown = trainer.exchanged;
    if (shown) trainer.exchangeAverage();
    const snapshot = trainer.snapshot();
    if (shown) trainer.exchangeAverage();
    const bytes = encodeCheckpoint({
      ...snapshot,
      best: this.#best?.weights,
      fit: {
        position: this.#position,
        loaderEpoch: this.#loaderEpoch,
        loader: loaderRecord(this.#loader),
        base: this.#rates.base,
        results: this.#results,
      },
    });
    await keep(this.#options.checkpoint!.to, bytes);
  }

  /** The model with the averaged weights, if there are any. */
  #show(trainer: Trainer): void {
    if (this.#options.averaging && !trainer.exchanged) trainer.exchangeAverage();
  }

  #hide(trainer: Trainer): void {
    if (trainer.exchanged) trainer.exchangeAverage();
  }

  /** Ends with the weights of the best epoch, where that was asked for and nothing else ended the training. */
  #restoreBest(trainer: Trainer): void {
    if (this.#aborted || !this.#best?.weights.size) return;
    this.#show(trainer);
    this.#model.loadStateDict(this.#best.weights);
  }

  /** What a step came to. Throws `NumericError` where that is not finite, or would not have been. */
  async #settle(trainer: Trainer, step: Promise<StepResult>, place: Place): Promise<StepResult> {
    const result = await step.catch((error: unknown) => {
      throw error instanceof NumericError ? divergence(undefined, place, trainer.anomaly) : error;
    });
    const { loss, gradNorm = 0 } = result;
    const [what, value] = Number.isFinite(loss) ? ['norm of the gradients', gradNorm] : ['loss', loss];
    if (Number.isFinite(value)) return result;
    throw divergence(`the ${what} became ${value}`, place, trainer.anomaly);
  }
}
