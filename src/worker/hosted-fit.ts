import type { Backend } from '../backend/backend.js';
import type { Dataset } from '../data/dataset.js';
import { DataLoader } from '../data/loader.js';
import type { Transform } from '../data/transform.js';
import type { Optimizer } from '../optim/optimizer.js';
import { type BatchProgress, type EpochResult, type FitRun, fit } from '../train/fit.js';
import { rebuild } from './configured.js';
import { rebuildSchedule } from './schedule-data.js';
import { encodeError, type ErrorData } from './error-data.js';
import type { EpochReply, FitData, News, Params, Steering } from './protocol.js';
import { LOSSES, OPTIMIZERS, TRANSFORMS } from './registry.js';
import { Replay } from './replay.js';

/** Milliseconds between two messages about batches: a page draws no oftener. */
const INTERVAL = 16;

/** A training in the worker, of which the page's side asks epoch after epoch. */
export class HostedFit {
  readonly #model: Replay;
  readonly #loader: DataLoader;
  readonly #optimizer: Optimizer;
  readonly #run: FitRun;
  readonly #epochs: AsyncGenerator<EpochResult, void, undefined>;
  readonly #controller = new AbortController();
  readonly #report: (news: News) => void;
  #batches: BatchProgress[] = [];
  #reported = Number.NEGATIVE_INFINITY;

  constructor(
    data: FitData,
    train: Dataset,
    validation: Dataset | undefined,
    backend: Backend,
    report: (news: News) => void,
  ) {
    this.#model = new Replay(data.model);
    const transforms = data.loader.transforms.map((one) => rebuild<Transform>('transform', TRANSFORMS, one));
    this.#loader = new DataLoader(train, { ...data.loader, transforms });
    this.#optimizer = rebuild('optimizer', OPTIMIZERS, data.optimizer);
    this.#report = report;
    this.#run = fit(this.#model, this.#loader, {
      epochs: data.epochs,
      optimizer: this.#optimizer,
      loss: data.loss && rebuild('loss', LOSSES, data.loss),
      validation,
      backend,
      signal: this.#controller.signal,
      schedule: data.schedule && rebuildSchedule(data.schedule),
      averaging: data.averaging,
      clipGradNorm: data.clipGradNorm,
      clipGradValue: data.clipGradValue,
      earlyStopping: data.earlyStopping,
      checkpoint: data.checkpoint && {
        ...data.checkpoint,
        to: (checkpoint) => {
          this.#flush();
          report({ checkpoint });
        },
      },
      resume: data.resume,
      detectAnomaly: data.detectAnomaly,
      onBatch: data.progress ? (progress) => this.#note(progress) : undefined,
    });
    this.#epochs = this.#run[Symbol.asyncIterator]();
  }

  /** Trains the next epoch. What it throws comes with the weights of the last step, so it does not reject. */
  async next({ lrs, weights, loaderEpoch }: Params<'nextEpoch'>): Promise<EpochReply> {
    this.#optimizer.lrs = lrs;
    this.#loader.epoch = loaderEpoch;
    if (weights) this.#model.write(weights);
    let result: EpochResult | undefined;
    let error: ErrorData | undefined;
    try {
      result = (await this.#epochs.next()).value ?? undefined;
    } catch (thrown) {
      error = encodeError(thrown);
    }
    this.#flush();
    const { aborted, stoppedEarly, best } = this.#run;
    const { epoch } = this.#loader;
    return { weights: this.#model.read(), result, aborted, stoppedEarly, best, loaderEpoch: epoch, error };
  }

  read(): Float32Array[] {
    return this.#model.read();
  }

  steer({ paused, aborted, lrs }: Steering): void {
    if (paused === true) this.#run.pause();
    if (paused === false) this.#run.resume();
    if (aborted) this.#controller.abort();
    if (lrs) this.#optimizer.lrs = lrs;
    this.#flush();
  }

  async end(): Promise<void> {
    await this.#epochs.return();
  }

  /** Batches are told of many at a time: a message each would flood the page where a step takes a millisecond. */
  #note(progress: BatchProgress): void {
    this.#batches.push(progress);
    if (this.#run.paused || performance.now() - this.#reported >= INTERVAL) this.#flush();
  }

  #flush(): void {
    if (this.#batches.length === 0) return;
    this.#report({ batches: this.#batches });
    this.#batches = [];
    this.#reported = performance.now();
  }
}
