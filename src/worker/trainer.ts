import { countImages } from '../data/check.js';
import type { Pixels } from '../data/dataset.js';
import { OptionError } from '../errors.js';
import type { Module } from '../nn/module.js';
import { checkAveraging } from '../optim/averaging.js';
import { checkClipping } from '../optim/clipping.js';
import type { Optimizer } from '../optim/optimizer.js';
import { boolean, checkOptions, nonNegativeInteger, positiveInteger } from '../options.js';
import { type StepResult, TRAINER_OPTIONS, type TrainerOptions } from '../train/trainer.js';
import { describe } from './configured.js';
import { copyOfPixels } from './copies.js';
import { LinkedModel } from './graph-data.js';
import type { Line } from './line.js';
import type { Handle } from './protocol.js';
import { LOSSES, OPTIMIZERS } from './registry.js';

/** Those of `Trainer`; the backend is the worker's. */
export type WorkerTrainerOptions = Omit<TrainerOptions, 'backend'>;

/**
 * Trains a model step by step in a worker. The weights stay there: `sync` brings them here. Weights that are written
 * on this side (`loadStateDict`) go there with the next step.
 */
export class WorkerTrainer {
  /** What it trains. */
  readonly model: Module;
  /** Its `lr` may be set between steps. */
  readonly optimizer: Optimizer;
  /** Shape of one image. */
  readonly inputShape: readonly number[];
  readonly #line: Line;
  readonly #handle: Handle;
  readonly #linked: LinkedModel;
  readonly #ready: Promise<void>;
  #steps = 0;
  #running = 0;
  #disposed = false;

  /** @internal */
  constructor(line: Line, model: Module, options: WorkerTrainerOptions) {
    const {
      inputShape,
      optimizer,
      loss,
      batchSize = 100,
      seed = 0,
      fusion = true,
      averaging,
      detectAnomaly = false,
      ...clipping
    } = checkOptions('Trainer', options, TRAINER_OPTIONS);
    positiveInteger('Trainer', 'batchSize', batchSize);
    nonNegativeInteger('Trainer', 'seed', seed);
    boolean('Trainer', 'fusion', fusion);
    boolean('Trainer', 'detectAnomaly', detectAnomaly);
    checkClipping('Trainer', clipping);
    this.model = model;
    this.optimizer = optimizer;
    this.inputShape = inputShape;
    this.#line = line;
    this.#handle = line.handle();
    const described = describe('optimizer', OPTIMIZERS, optimizer);
    this.#linked = new LinkedModel(model, [inputShape]);
    this.#ready = line.operation('trainer', () =>
      line.call('trainer', {
        handle: this.#handle,
        model: this.#linked.data(),
        inputShape,
        batchSize,
        seed,
        fusion,
        detectAnomaly,
        optimizer: described,
        averaging: checkAveraging('Trainer', averaging),
        ...clipping,
        loss: loss && describe('loss', LOSSES, loss),
      }),
    );
    // Whoever takes a step hears of it.
    this.#ready.catch(() => {});
    line.collect(this, 'endTrainer', this.#handle);
  }

  /** Steps taken so far; one that changed nothing, its loss not being finite, does not count. */
  get steps(): number {
    return this.#steps;
  }

  /**
   * One step of forward, backward and update, as `Trainer.step`. `images` and `targets` are copied before it returns;
   * images in shared memory are read when the step runs.
   */
  async step(images: Pixels, targets: ArrayLike<number>): Promise<StepResult> {
    const where = 'Trainer.step';
    if (this.#disposed) throw new OptionError(`[${where}] the trainer was disposed`);
    countImages(where, images, this.inputShape);
    const copy =
      targets instanceof Float32Array ? new Float32Array(targets) : Float64Array.from(targets ?? []);
    const batch = { images: copyOfPixels(images), targets: copy };
    return this.#operation('step', async () => {
      await this.#ready;
      const { lrs } = this.optimizer;
      const weights = this.#linked.changes();
      const result = await this.#line.call('step', { handle: this.#handle, lrs, weights, ...batch });
      if (Number.isFinite(result.loss) && Number.isFinite(result.gradNorm ?? 0)) this.#steps++;
      return result;
    });
  }

  /**
   * Brings the weights into the model: those after the last step.
   * @param averaged brings the averaged ones instead, where there is `averaging`; the worker trains on with its own
   */
  async sync({ averaged = false }: { averaged?: boolean } = {}): Promise<void> {
    if (this.#disposed) throw new OptionError('[Trainer.sync] the trainer was disposed');
    await this.#operation('sync', async () => {
      await this.#ready;
      this.#linked.receive(await this.#line.call('readTrainer', { handle: this.#handle, averaged }));
    });
  }

  /** Frees it in the worker at once; without it it goes with the trainer. */
  dispose(): void {
    if (this.#running > 0) {
      throw new OptionError('[Trainer] a step is still running: await it before the next call');
    }
    this.#disposed = true;
    this.#line.release(this, 'endTrainer', this.#handle);
  }

  /** `using trainer = worker.trainer(...)` frees it at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  async #operation<T>(what: string, work: () => Promise<T>): Promise<T> {
    this.#running++;
    try {
      return await this.#line.operation(what, work);
    } finally {
      this.#running--;
    }
  }
}
