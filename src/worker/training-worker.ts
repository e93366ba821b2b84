import type { BackendInfo } from '../backend/backend.js';
import type { LoadBackendOptions } from '../backend/load.js';
import type { Dataset } from '../data/dataset.js';
import type { DataLoader } from '../data/loader.js';
import type { Module } from '../nn/module.js';
import { checkOptions, folderAddress } from '../options.js';
import type { EvaluateOptions, Evaluation, Images, Prediction } from '../train/evaluate.js';
import { DatasetSender } from './dataset-sender.js';
import { type WorkerFitOptions, WorkerFitRun } from './fit-run.js';
import { Line } from './line.js';
import { WorkerPredictor, type WorkerPredictorOptions } from './predictor.js';
import type { Site } from './site.js';
import { currentSpawn } from './spawn.js';
import { WorkerTrainer, type WorkerTrainerOptions } from './trainer.js';

/** What `TrainingWorker.start` may be told. */
export interface TrainingWorkerOptions extends LoadBackendOptions {
  /**
   * Where the worker's script is, for bundlers that do not find it by themselves (esbuild): the address of a build of
   * `twill/worker/script`.
   */
  readonly script?: string | URL;
}

/** Those of `evaluate`; the backend is that of the worker. */
export type WorkerEvaluateOptions = Omit<EvaluateOptions, 'backend'>;
/** Those of `predict`; the backend is that of the worker. */
export type WorkerPredictOptions = Omit<EvaluateOptions, 'backend' | 'loss' | 'signal'>;

/**
 * A worker (a Web Worker, in Node a worker thread) that trains and predicts, so that the thread that asks stays free:
 *
 *     const worker = await TrainingWorker.start();
 *     for await (const { epoch, accuracy } of worker.fit(model, train, { optimizer, epochs: 5 })) ...
 *     await worker.close();
 *
 * Any model can be given: what its `forward` records is sent, not its code. The bits are those of `fit` with the same
 * backend. Data sets are sent when they are first used, once, as they are then, in copies (shared where they lie in
 * `SharedArrayBuffer`s), and freed when they are collected on this side. An error has the class, the message and the
 * stack that it had in the worker; where the worker is gone, whatever waits for it is rejected with `WorkerError`.
 * In Node an idle worker does not keep the process alive.
 */
export class TrainingWorker {
  readonly #site: Site;

  private constructor(line: Line, info: BackendInfo) {
    this.#site = { line, info, datasets: new DatasetSender(line) };
  }

  /**
   * Starts a worker and loads a backend in it. Throws `WorkerError` where no worker can be had, and what `loadBackend`
   * throws.
   */
  static async start({
    script,
    wasmBaseUrl,
    ...options
  }: TrainingWorkerOptions = {}): Promise<TrainingWorker> {
    // Relative to the page: in the worker it would be relative to its script.
    const base = wasmBaseUrl && folderAddress('TrainingWorker.start', 'wasmBaseUrl', wasmBaseUrl);
    const line = new Line(currentSpawn(), script);
    try {
      return new TrainingWorker(
        line,
        await line.call('start', base === undefined ? options : { ...options, wasmBaseUrl: base }),
      );
    } catch (error) {
      line.end('it could not be started');
      throw error;
    }
  }

  /** What the worker computes with. */
  info(): BackendInfo {
    return this.#site.info;
  }

  /**
   * `fit` in the worker, with the same options, records and bits. When a record arrives the model's parameters hold
   * the weights of that epoch; in between those of the epoch before, unless `run.sync()` brings newer ones. However it
   * ends, they are those of the last step; where the worker goes down, those that came last.
   *
   * `onBatch` is called for every batch, but some 16 ms late and for several in a row, so an abort or an error out of
   * it takes effect some batches later, and so does a learning rate that is set while an epoch runs (where there is no
   * `onBatch`, with the next epoch).
   */
  fit(model: Module, train: Dataset | DataLoader, options: WorkerFitOptions): WorkerFitRun {
    return new WorkerFitRun(this.#site, model, train, options);
  }

  /** `evaluate` in the worker. */
  async evaluate(model: Module, dataset: Dataset, options?: WorkerEvaluateOptions): Promise<Evaluation> {
    const known = ['batchSize', 'loss', 'signal'] as const;
    const { batchSize = 1000, loss, signal } = checkOptions('evaluate', options, known);
    const predictor = this.predictor(model, { inputShape: dataset.shape, batchSize });
    try {
      return await predictor.evaluate(dataset, { loss, signal });
    } finally {
      predictor.dispose();
    }
  }

  /** `predict` in the worker. For many calls keep a `predictor`. */
  async predict(
    model: Module,
    { images, shape }: Images,
    options?: WorkerPredictOptions,
  ): Promise<Prediction> {
    const { batchSize = 1000 } = checkOptions('predict', options, ['batchSize']);
    const predictor = this.predictor(model, { inputShape: shape, batchSize });
    try {
      return await predictor.predict(images);
    } finally {
      predictor.dispose();
    }
  }

  /** A `Predictor` in the worker: its program is kept, and the weights are sent where they have changed. */
  predictor(model: Module, options: WorkerPredictorOptions): WorkerPredictor {
    return new WorkerPredictor(this.#site, model, options);
  }

  /** A `Trainer` in the worker. */
  trainer(model: Module, options: WorkerTrainerOptions): WorkerTrainer {
    return new WorkerTrainer(this.#site.line, model, options);
  }

  /** Takes on nothing new and ends the worker after what runs, a whole training included; a paused one too. */
  async close(): Promise<void> {
    await this.#site.line.idle('the worker was closed');
    this.#site.line.end('the worker was closed');
    await this.#site.line.ended();
  }

  /** Ends the worker at once: what waits for it is rejected with `WorkerError`. */
  terminate(): void {
    this.#site.line.end('the worker was terminated');
  }

  /** `using worker = ...`: terminates it at the end of the block. */
  [Symbol.dispose](): void {
    this.terminate();
  }

  /** `await using worker = ...`: closes it at the end of the block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
