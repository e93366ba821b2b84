import { countImages } from '../data/check.js';
import type { Dataset, Pixels } from '../data/dataset.js';
import { OptionError } from '../errors.js';
import type { Loss } from '../nn/loss.js';
import type { Module } from '../nn/module.js';
import { boolean, checkOptions, positiveInteger } from '../options.js';
import type { Evaluation, Prediction } from '../train/evaluate.js';
import type { PredictorOptions } from '../train/predictor.js';
import { describe } from './configured.js';
import { copyOfPixels, PIECE } from './copies.js';
import { LinkedModel } from './graph-data.js';
import type { Handle } from './protocol.js';
import { LOSSES } from './registry.js';
import type { Site } from './site.js';

/** Those of `Predictor`; the backend is the worker's. */
export type WorkerPredictorOptions = Omit<PredictorOptions, 'backend'>;

/**
 * Applies a model to images in a worker, over and over, with the weights that the model has on this side at the
 * time: they are sent again only where they were written since.
 */
export class WorkerPredictor {
  /** Shape of one image. */
  readonly inputShape: readonly number[];
  readonly #site: Site;
  readonly #handle: Handle;
  readonly #linked: LinkedModel;
  readonly #ready: Promise<void>;
  #disposed = false;

  /** @internal */
  constructor(site: Site, model: Module, options: WorkerPredictorOptions) {
    const known = ['inputShape', 'batchSize', 'fusion'] as const;
    const { inputShape, batchSize = 100, fusion = true } = checkOptions('Predictor', options, known);
    positiveInteger('Predictor', 'batchSize', batchSize);
    boolean('Predictor', 'fusion', fusion);
    this.inputShape = inputShape;
    const { line } = site;
    this.#site = site;
    this.#handle = line.handle();
    this.#linked = new LinkedModel(model, [inputShape]);
    const data = this.#linked.data();
    this.#ready = line.operation('predictor', () =>
      line.call('predictor', { handle: this.#handle, model: data, inputShape, batchSize, fusion }),
    );
    // Whoever runs it hears of it.
    this.#ready.catch(() => {});
    line.collect(this, 'endPredictor', this.#handle);
  }

  /** The model's output for N images, as `Predictor.run`: N times its output shape, in PyTorch's order. */
  async run(images: Pixels): Promise<Float32Array> {
    const parts = await this.#inPieces('Predictor.run', 'scores', images);
    return joined(parts, Float32Array);
  }

  /** Classes, probabilities and scores, as `predict`. */
  async predict(images: Pixels): Promise<Prediction> {
    const parts = await this.#inPieces('predict', 'predict', images);
    return {
      classes: joined(
        parts.map(({ classes }) => classes),
        Int32Array,
      ),
      probabilities: joined(
        parts.map(({ probabilities }) => probabilities),
        Float32Array,
      ),
      logits: joined(
        parts.map(({ logits }) => logits),
        Float32Array,
      ),
    };
  }

  /**
   * Runs it over a data set, as `evaluate`. The signal ends it before its next run: it throws the signal's reason.
   */
  async evaluate(
    dataset: Dataset,
    { loss, signal }: { loss?: Loss; signal?: AbortSignal } = {},
  ): Promise<Evaluation> {
    this.#refuseDisposed('evaluate');
    const described = loss && describe('loss', LOSSES, loss);
    const { line, datasets } = this.#site;
    return line.operation('evaluate', async () => {
      await this.#ready;
      signal?.throwIfAborted();
      const sent = await datasets.send(dataset);
      signal?.throwIfAborted();
      const weights = this.#linked.changes();
      return line.call('evaluate', { handle: this.#handle, weights, dataset: sent, loss: described }, signal);
    });
  }

  /** Frees it in the worker at once; without it it goes with the predictor. */
  dispose(): void {
    this.#disposed = true;
    this.#site.line.release(this, 'endPredictor', this.#handle);
  }

  /** `using predictor = worker.predictor(...)` frees it at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #refuseDisposed(where: string): void {
    if (this.#disposed) throw new OptionError(`[${where}] the predictor was disposed`);
  }

  /** All but the first piece are copied after the call has returned: the pixels are to be left alone until it is done. */
  async #inPieces<M extends 'scores' | 'predict'>(where: string, method: M, images: Pixels) {
    this.#refuseDisposed(where);
    const size = images.length / countImages(where, images, this.inputShape);
    const step = size * Math.max(1, Math.floor(PIECE / (size * images.BYTES_PER_ELEMENT)));
    const pieceAt = (at: number) => copyOfPixels(images.subarray(at, at + step));
    const first = pieceAt(0);
    return this.#site.line.operation(method, async () => {
      await this.#ready;
      const answers = [];
      for (let at = 0; at < images.length; at += step) {
        const piece = at === 0 ? first : pieceAt(at);
        const weights = this.#linked.changes();
        answers.push(await this.#site.line.call(method, { handle: this.#handle, weights, images: piece }));
      }
      return answers;
    });
  }
}

function joined<T extends Float32Array | Int32Array>(
  parts: readonly T[],
  Type: new (length: number) => T,
): T {
  if (parts.length === 1) return parts[0]!;
  const whole = new Type(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
