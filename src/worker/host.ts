import type { Backend } from '../backend/backend.js';
import { loadBackend } from '../backend/load.js';
import { evaluateWith, predictWith } from '../train/evaluate.js';
import { Predictor } from '../train/predictor.js';
import { Trainer } from '../train/trainer.js';
import { rebuild } from './configured.js';
import { HostedFit } from './hosted-fit.js';
import type { Handle, Method, News, NoticeParams, Notices, Params, Result } from './protocol.js';
import { ReceivedDatasets } from './received-datasets.js';
import { LOSSES, OPTIMIZERS } from './registry.js';
import { Replay } from './replay.js';

type Handlers = {
  [M in Method]: (params: Params<M>, signal: AbortSignal) => Result<M> | Promise<Result<M>>;
} & Notices;

/** What lives in a worker, by the numbers that the page's side has given. */
export class Host implements Handlers {
  readonly #report: (handle: Handle, news: News) => void;
  readonly #datasets = new ReceivedDatasets();
  readonly #fits = new Map<Handle, HostedFit>();
  readonly #trainers = new Map<Handle, { trainer: Trainer; model: Replay }>();
  readonly #predictors = new Map<Handle, { predictor: Predictor; model: Replay }>();
  #backend!: Backend;

  /** `report` tells the page what a training tells. */
  constructor(report: (handle: Handle, news: News) => void) {
    this.#report = report;
  }

  async start(options: Params<'start'>) {
    this.#backend = await loadBackend(options);
    return this.#backend.info();
  }

  openDataset(data: Params<'openDataset'>): void {
    this.#datasets.open(data);
  }

  fillDataset(piece: Params<'fillDataset'>): void {
    this.#datasets.fill(piece);
  }

  freeDataset({ handle }: NoticeParams<'freeDataset'>): void {
    this.#datasets.free(handle);
  }

  fit(data: Params<'fit'>): void {
    const train = this.#datasets.get(data.train);
    const validation = data.validation === undefined ? undefined : this.#datasets.get(data.validation);
    const report = (news: News) => this.#report(data.handle, news);
    this.#fits.set(data.handle, new HostedFit(data, train, validation, this.#backend, report));
  }

  nextEpoch(params: Params<'nextEpoch'>) {
    return this.#fits.get(params.handle)!.next(params);
  }

  readFit({ handle }: Params<'readFit'>): Float32Array[] {
    return this.#fits.get(handle)!.read();
  }

  steer({ handle, ...how }: NoticeParams<'steer'>): void {
    this.#fits.get(handle)?.steer(how);
  }

  endFit({ handle }: NoticeParams<'endFit'>): void {
    void this.#fits.get(handle)?.end();
    this.#fits.delete(handle);
  }

  trainer({ handle, optimizer, loss, model: data, ...options }: Params<'trainer'>): void {
    const model = new Replay(data);
    const trainer = new Trainer(model, {
      ...options,
      optimizer: rebuild('optimizer', OPTIMIZERS, optimizer),
      loss: loss && rebuild('loss', LOSSES, loss),
      backend: this.#backend,
    });
    this.#trainers.set(handle, { trainer, model });
  }

  step({ handle, lrs, weights, images, targets }: Params<'step'>) {
    const { trainer, model } = this.#trainers.get(handle)!;
    trainer.optimizer.lrs = lrs;
    if (weights) model.write(weights);
    return trainer.step(images, targets);
  }

  readTrainer({ handle, averaged }: Params<'readTrainer'>): Float32Array[] {
    const { trainer, model } = this.#trainers.get(handle)!;
    if (!averaged) return model.read();
    trainer.exchangeAverage();
    try {
      return model.read();
    } finally {
      trainer.exchangeAverage();
    }
  }

  endTrainer({ handle }: NoticeParams<'endTrainer'>): void {
    this.#trainers.get(handle)?.trainer.dispose();
    this.#trainers.delete(handle);
  }

  predictor({ handle, model: data, ...options }: Params<'predictor'>): void {
    const model = new Replay(data);
    const predictor = new Predictor(model, { ...options, backend: this.#backend });
    this.#predictors.set(handle, { predictor, model });
  }

  predict({ handle, weights, images }: Params<'predict'>) {
    return predictWith(this.#predictor(handle, weights), images);
  }

  scores({ handle, weights, images }: Params<'scores'>): Promise<Float32Array> {
    return this.#predictor(handle, weights).run(images);
  }

  async evaluate({ handle, weights, dataset, loss }: Params<'evaluate'>, signal: AbortSignal) {
    const predictor = this.#predictor(handle, weights);
    const evaluation = await evaluateWith(predictor, this.#datasets.get(dataset), {
      loss: loss && rebuild('loss', LOSSES, loss),
      signal,
    });
    if (!evaluation) throw signal.reason;
    return evaluation;
  }

  endPredictor({ handle }: NoticeParams<'endPredictor'>): void {
    this.#predictors.get(handle)?.predictor.dispose();
    this.#predictors.delete(handle);
  }

  #predictor(handle: Handle, weights: Float32Array[] | undefined): Predictor {
    const { predictor, model } = this.#predictors.get(handle)!;
    if (weights) model.write(weights);
    return predictor;
  }
}
