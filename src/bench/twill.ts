import type { Backend } from '../backend/backend.js';
import type { StateDict } from '../nn/module.js';
import { trainingNeeds } from '../nn/summary.js';
import { SGD } from '../optim/sgd.js';
import { fit } from '../train/fit.js';
import { Predictor } from '../train/predictor.js';
import { Trainer } from '../train/trainer.js';
import { ArticleCnn, type ArticleData, BATCH, batches, IMAGE_SHAPE, LEARNING_RATE } from './article.js';
import { runnerName } from './backends.js';
import { timed } from './measure.js';
import { madeUp, NETWORK_RATE } from './networks.js';
import { isFusable, LayerPasses } from './passes.js';
import type { Prepared, Runner, Task, Training } from './runner.js';

/** Twill on one backend. */
export class TwillRunner implements Runner {
  readonly name: string;
  readonly threads: number;
  readonly yardstick: Backend;
  readonly #backend: Backend;
  readonly #data: ArticleData;
  readonly #weights: StateDict;

  /** `weights`: what every training and inference starts from. */
  constructor(backend: Backend, data: ArticleData, weights: StateDict) {
    this.name = runnerName(backend);
    this.threads = backend.info().threads;
    this.yardstick = backend;
    this.#backend = backend;
    this.#data = data;
    this.#weights = weights;
  }

  async prepare(task: Task): Promise<Prepared | undefined> {
    if (task.kind === 'layer') return this.#layer(task);
    if (task.kind === 'network') return this.#network(task);
    return task.kind === 'step' ? this.#step(task.batch) : this.#inference(task.batch);
  }

  async train(epochs: number): Promise<Training> {
    const { train, test } = this.#data;
    const run = fit(this.#model(), train, {
      optimizer: new SGD({ lr: LEARNING_RATE }),
      epochs,
      batchSize: BATCH,
      validation: test,
      backend: this.#backend,
    });
    const history = await run.finish();
    return {
      epochs: history.epochs.map(({ seconds, evalSeconds }) => ({ train: seconds, validation: evalSeconds })),
      accuracy: history.epochs.at(-1)!.accuracy,
    };
  }

  #layer({ layer, batch, fused, pass }: Extract<Task, { kind: 'layer' }>): Prepared | undefined {
    if (fused && !isFusable(layer)) return undefined;
    const passes = new LayerPasses(this.#backend, layer, batch, fused);
    return { sample: timed(() => passes.run(pass)), dispose: () => passes.dispose() };
  }

  #step(batch: number): Prepared {
    const trainer = articleTrainer(this.#model(), batch, this.#backend);
    const source = batches(this.#data.train, batch);
    const step = () => {
      const { images, labels } = source.next().value!;
      return trainer.stepSync(images, labels).loss;
    };
    return { check: step(), sample: timed(step), dispose: () => trainer.dispose() };
  }

  #network({ network, batch }: Extract<Task, { kind: 'network' }>): Prepared {
    const { model, images, labels } = madeUp(network, batch);
    const trainer = new Trainer(model, {
      inputShape: network.shape,
      optimizer: new SGD({ lr: NETWORK_RATE, momentum: 0.9 }),
      batchSize: batch,
      backend: this.#backend,
    });
    const step = () => trainer.stepSync(images, labels).loss;
    return { check: step(), sample: timed(step), dispose: () => trainer.dispose() };
  }

  #inference(batch: number): Prepared {
    const model = this.#model();
    const predictor = new Predictor(model, {
      inputShape: IMAGE_SHAPE,
      batchSize: batch,
      backend: this.#backend,
    });
    const source = batches(this.#data.test, batch);
    const run = () => predictor.runSync(source.next().value!.images);
    const check = run()
      .subarray(0, 10)
      .reduce((sum, score) => sum + score, 0);
    return { check, sample: timed(run), dispose: () => predictor.dispose() };
  }

  #model(): ArticleCnn {
    const model = new ArticleCnn();
    model.loadStateDict(this.#weights);
    return model;
  }
}

/** A trainer of the article's network, as its steps are measured. */
export function articleTrainer(
  model: ArticleCnn,
  batchSize: number,
  backend: Backend,
  lr = LEARNING_RATE,
): Trainer {
  return new Trainer(model, { inputShape: IMAGE_SHAPE, optimizer: new SGD({ lr }), batchSize, backend });
}

/** Bytes that `summary()` plans for a training step of the article's network: parameters, and all that it works on. */
export function plannedStepBytes(batchSize: number, backend: Backend): number {
  const { parameters, program } = trainingNeeds(new ArticleCnn().trace(IMAGE_SHAPE), batchSize, backend);
  return parameters + program;
}
