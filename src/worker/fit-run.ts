import type { Dataset } from '../data/dataset.js';
import { DataLoader } from '../data/loader.js';
import { OptionError } from '../errors.js';
import type { Module } from '../nn/module.js';
import type { BestEpoch } from '../train/early-stopping.js';
import type { History } from '../train/fit.js';
import { keep, readFitCheckpoint, resumeBytes } from '../train/fit-checkpoint.js';
import { type BatchProgress, checkFit, type EpochResult, type FitOptions } from '../train/fit-options.js';
import { show } from '../options.js';
import { type Configured, describe } from './configured.js';
import { decodeError } from './error-data.js';
import { LinkedModel } from './graph-data.js';
import type { EpochReply, Handle, LearningRates, News } from './protocol.js';
import { LOSSES, OPTIMIZERS, TRANSFORMS } from './registry.js';
import { describeSchedule } from './schedule-data.js';
import type { Site } from './site.js';

/** Those of `fit`; the backend is the worker's. */
export type WorkerFitOptions = Omit<FitOptions, 'backend'>;

/** A training in a worker: iterate it once. */
export class WorkerFitRun implements AsyncIterable<EpochResult> {
  readonly #site: Site;
  readonly #handle: Handle;
  readonly #model: Module;
  readonly #loader: DataLoader;
  readonly #epochs: number;
  readonly #options: WorkerFitOptions;
  readonly #optimizer: Configured;
  readonly #loss: Configured | undefined;
  readonly #schedule: Configured | undefined;
  readonly #transforms: readonly Configured[];
  readonly #results: EpochResult[] = [];
  #linked: LinkedModel | undefined;
  #state: 'new' | 'starting' | 'running' | 'over' = 'new';
  /** The learning rates that the worker trains with. */
  #sentLrs: LearningRates = [];
  #paused = false;
  #aborted = false;
  #stoppedEarly = false;
  #best: BestEpoch | undefined;
  /** Checkpoints that are being kept, one after the other. */
  #kept: Promise<void> = Promise.resolve();
  /** Thrown by `onBatch`, or where a checkpoint could not be kept. */
  #failure: { readonly error: unknown } | undefined;

  /** @internal */
  constructor(site: Site, model: Module, train: Dataset | DataLoader, options: WorkerFitOptions) {
    const { loader, epochs } = checkFit(train, options);
    if (loader.constructor !== DataLoader) {
      throw new OptionError(
        `[TrainingWorker] the code of ${show(loader)} cannot be sent to a worker: use a DataLoader itself`,
      );
    }
    this.#site = site;
    this.#handle = site.line.handle();
    this.#model = model;
    this.#loader = loader;
    this.#epochs = epochs;
    this.#options = options;
    this.#optimizer = describe('optimizer', OPTIMIZERS, options.optimizer);
    this.#loss = options.loss && describe('loss', LOSSES, options.loss);
    this.#schedule = options.schedule && describeSchedule(options.schedule);
    this.#transforms = loader.transforms.map((one) => describe('transform', TRANSFORMS, one));
  }

  /** True once the signal ended the training. */
  get aborted(): boolean {
    return this.#aborted;
  }

  /** True once `earlyStopping` ended the training. */
  get stoppedEarly(): boolean {
    return this.#stoppedEarly;
  }

  /** What there is to plot so far. Throws `OptionError` before the first epoch has started. */
  get history(): History {
    if (this.#state === 'new' || this.#state === 'starting') {
      throw new OptionError('[fit] there is no history before the training has started');
    }
    const { earlyStopping } = this.#options;
    return { info: this.#site.info, epochs: [...this.#results], ...(earlyStopping && { best: this.#best }) };
  }

  /** Halts before the next batch, until `resume()` or an abort. */
  pause(): void {
    this.#paused = true;
    this.#tellWhetherPaused();
  }

  /** Goes on where `pause()` halted it. */
  resume(): void {
    this.#paused = false;
    this.#tellWhetherPaused();
  }

  /** Whether it was told to halt. */
  get paused(): boolean {
    return this.#paused;
  }

  /** Brings the weights of the last step into the model, in the middle of an epoch. */
  async sync(): Promise<void> {
    if (this.#state !== 'running') return;
    const weights = await this.#site.line.call('readFit', { handle: this.#handle });
    this.#linked!.receive(weights);
  }

  /** Trains to the end without a loop. */
  async finish(): Promise<History> {
    for await (const _ of this);
    return this.history;
  }

  /** Trains, a record an epoch. Throws what `fit` says, and `WorkerError` where the worker goes down. */
  async *[Symbol.asyncIterator](): AsyncGenerator<EpochResult, void, undefined> {
    if (this.#state !== 'new') {
      throw new OptionError('[fit] a training runs once: call fit again for another one');
    }
    const { line } = this.#site;
    line.enter('fit');
    const { signal, onEpoch } = this.#options;
    const abort = () => line.notify('steer', { handle: this.#handle, aborted: true });
    try {
      this.#state = 'starting';
      await this.#start();
      this.#state = 'running';
      this.#tellWhetherPaused();
      if (signal?.aborted) abort();
      signal?.addEventListener('abort', abort);
      for (;;) {
        const result = await this.#nextEpoch();
        if (!result) return;
        this.#results.push(result);
        await onEpoch?.(result);
        yield result;
      }
    } finally {
      this.#state = 'over';
      signal?.removeEventListener('abort', abort);
      line.listen(this.#handle, undefined);
      line.notify('endFit', { handle: this.#handle });
      line.leave();
    }
  }

  async #start(): Promise<void> {
    const { line, datasets } = this.#site;
    const {
      validation,
      onBatch,
      averaging,
      clipGradNorm,
      clipGradValue,
      earlyStopping,
      checkpoint,
      detectAnomaly,
    } = this.#options;
    const resume = await this.#resume();
    const { dataset, shape, batchSize, shuffle, seed, dropLast } = this.#loader;
    const shapes = validation ? [shape, validation.shape] : [shape];
    const train = await datasets.send(dataset);
    const sentValidation = validation && (await datasets.send(validation));
    this.#linked = new LinkedModel(this.#model, shapes);
    line.listen(this.#handle, (news) => this.#hear(news));
    await line.call('fit', {
      handle: this.#handle,
      model: this.#linked.data(),
      train,
      validation: sentValidation,
      epochs: this.#epochs,
      loader: { batchSize, shuffle, seed, dropLast, transforms: this.#transforms },
      optimizer: this.#optimizer,
      loss: this.#loss,
      schedule: this.#schedule,
      averaging,
      clipGradNorm,
      clipGradValue,
      earlyStopping,
      checkpoint: checkpoint && { every: checkpoint.every },
      resume,
      detectAnomaly,
      progress: onBatch !== undefined,
    });
  }

  /** Trains an epoch and brings its weights here; undefined where the training is over. */
  async #nextEpoch(): Promise<EpochResult | undefined> {
    const { lrs } = this.#options.optimizer;
    this.#sentLrs = lrs;
    const reply: EpochReply = await this.#site.line.call('nextEpoch', {
      handle: this.#handle,
      lrs,
      weights: this.#linked!.changes(),
      loaderEpoch: this.#loader.epoch,
    });
    this.#linked!.receive(reply.weights);
    this.#loader.epoch = reply.loaderEpoch;
    await this.#kept;
    if (this.#failure) throw this.#failure.error;
    if (reply.error) throw decodeError(reply.error);
    this.#aborted = reply.aborted;
    this.#stoppedEarly = reply.stoppedEarly;
    this.#best = reply.best;
    return reply.result;
  }

  /** The checkpoint to go on from, of which the results and the learning rates are needed here, too. */
  async #resume(): Promise<Uint8Array | undefined> {
    const { resume, schedule, optimizer } = this.#options;
    if (resume === undefined) return undefined;
    const bytes = await resumeBytes(resume);
    const { fit, trainer } = readFitCheckpoint(bytes, this.#loader);
    this.#results.push(...fit.results);
    optimizer.lrs = (schedule ? fit.base : trainer).lrs;
    // A copy: the message takes it away.
    return new Uint8Array(bytes);
  }

  #hear(news: News): void {
    const { onBatch, checkpoint } = this.#options;
    if ('batches' in news) {
      if (onBatch) this.#report(news.batches, onBatch);
      return;
    }
    this.#kept = this.#kept
      .then(() => (this.#failure ? undefined : keep(checkpoint!.to, news.checkpoint)))
      .catch((error: unknown) => this.#fail(error));
  }

  /** Ends the training with an error of this side. */
  #fail(error: unknown): void {
    this.#failure = { error };
    this.#site.line.notify('steer', { handle: this.#handle, aborted: true });
  }

  /** Calls `onBatch` for each; what it throws ends the training. A learning rate set in the meantime goes there. */
  #report(batches: readonly BatchProgress[], onBatch: (progress: BatchProgress) => void): void {
    for (const progress of batches) {
      if (this.#failure) return;
      try {
        onBatch(progress);
      } catch (error) {
        this.#fail(error);
      }
    }
    const { lrs } = this.#options.optimizer;
    if (lrs.every((lr, index) => lr === this.#sentLrs[index])) return;
    this.#sentLrs = lrs;
    this.#site.line.notify('steer', { handle: this.#handle, lrs });
  }

  #tellWhetherPaused(): void {
    if (this.#state !== 'running') return;
    const { lrs } = this.#options.optimizer;
    this.#sentLrs = lrs;
    this.#site.line.notify('steer', { handle: this.#handle, paused: this.#paused, lrs });
  }
}
