import { Exam } from './exam.js';
import { TrainingRecord } from './record.js';
import { type Recipe, recipeNamed, RECIPES } from './recipes.js';
import type { Settings } from './settings.js';
import {
  type BackendInfo,
  type ImageDataset,
  IMAGE_SHAPE,
  load,
  manualSeed,
  type Module,
  type SGD,
  trainingOf,
  TrainingWorker,
  WorkerError,
  type WorkerFitRun,
  type WorkerPredictor,
} from './twill.js';

/** After so many images that it learns from, it classifies a tenth as many that it does not: what the page shows. */
const BETWEEN_TRIES = 1000;
const TRY = BETWEEN_TRIES / 10;

/** Test images that are classified at a time, so that other questions come in between. */
const SLICE = 500;

const PIXELS = IMAGE_SHAPE[1] * IMAGE_SHAPE[2];

/** `empty`: there are no weights yet. */
export type Phase = 'empty' | 'starting' | 'training' | 'examining' | 'idle';

/** What may have changed; `run` is a new training. */
export type Change = 'phase' | 'run' | 'progress' | 'weights' | 'exam' | 'epoch';

/** One network, learning or at rest, in a worker; and what is known of it. Everything the page shows is in here. */
export class Session {
  readonly train: ImageDataset;
  readonly test: ImageDataset;
  readonly #changed: (change: Change) => void;
  #phase: Phase = 'empty';
  #worker: { key: string; started: TrainingWorker } | undefined;
  #recipe: Recipe = RECIPES[0];
  #model: Module | undefined;
  #predictor: WorkerPredictor | undefined;
  #exam: Exam;
  #record: TrainingRecord | undefined;
  readonly #subsets = new Map<number, ImageDataset>();
  /** What stops the training that runs, or the examination. */
  #controller = new AbortController();
  #work: Promise<void> = Promise.resolve();
  #optimizer: SGD | undefined;
  #run: WorkerFitRun | undefined;
  #trying: Promise<void> | undefined;
  /** Of a try, which nobody awaits at once: it ends the training. */
  #failure: { readonly error: unknown } | undefined;
  #paused = false;
  #resume: (() => void) | undefined;

  /** `changed` hears of whatever is worth drawing, far oftener than it can be drawn. */
  constructor(train: ImageDataset, test: ImageDataset, changed: (change: Change) => void) {
    this.train = train;
    this.test = test;
    this.#changed = changed;
    this.#exam = this.#newExam();
  }

  get phase(): Phase {
    return this.#phase;
  }

  get paused(): boolean {
    return this.#paused;
  }

  get recipe(): Recipe {
    return this.#recipe;
  }

  get model(): Module | undefined {
    return this.#model;
  }

  get exam(): Exam {
    return this.#exam;
  }

  /** Of the training that runs, or ran last. */
  get record(): TrainingRecord | undefined {
    return this.#record;
  }

  /** What computes; undefined before it has started. */
  get info(): BackendInfo | undefined {
    return this.#worker?.started.info();
  }

  /** Takes effect with the batches to come. */
  set lr(lr: number) {
    if (this.#optimizer) this.#optimizer.lr = lr;
  }

  /** Trains to the end, or until it is stopped. What runs already is stopped first. Throws what went wrong. */
  async start(settings: Settings): Promise<void> {
    await this.#begin((signal) => this.#fit(settings, signal));
  }

  pause(): void {
    this.#paused = true;
    this.#run?.pause();
    this.#record?.pace.stop();
    this.#changed('phase');
  }

  resume(): void {
    this.#paused = false;
    if (this.#phase === 'training') this.#record?.pace.start();
    this.#run?.resume();
    this.#resume?.();
    this.#changed('phase');
  }

  /** Ends what runs; the weights stay as they are. */
  async stop(): Promise<void> {
    this.#controller.abort();
    if (this.#paused) this.resume();
    // Whoever started it hears of its errors.
    await this.#work.catch(() => {});
  }

  /** Brings the newest weights into the model. */
  async sync(): Promise<void> {
    await this.#run?.sync();
  }

  /**
   * Takes weights from a safetensors file, of whichever recipe they fit, and examines them. Throws where the file
   * cannot be read or fits none; nothing is changed then.
   */
  async load(file: File, settings: Settings): Promise<void> {
    const { recipe, model } = await modelFrom(file, settings.recipe);
    await this.#begin(async (signal) => {
      const worker = await this.#workerFor(settings);
      this.#adopt(worker, recipe, model);
      this.#record = undefined;
      this.#changed('run');
      this.#changed('weights');
      await this.#examine(signal);
    });
  }

  /** Probabilities of the classes of one image, 28x28 bytes; undefined while there are no weights. */
  async classify(pixels: Uint8Array): Promise<Float32Array | undefined> {
    return (await this.#predictor?.predict(pixels))?.probabilities;
  }

  async #begin(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    await this.stop();
    this.#controller = new AbortController();
    this.#trying = undefined;
    this.#failure = undefined;
    this.#become('starting');
    this.#work = work(this.#controller.signal)
      .catch((error: unknown) => {
        if (error instanceof WorkerError) this.#dropWorker();
        throw error;
      })
      .finally(() => {
        this.#run = undefined;
        this.#optimizer = undefined;
        this.#paused = false;
        this.#record?.pace.stop();
        this.#become(this.#model ? 'idle' : 'empty');
      });
    await this.#work;
  }

  async #fit(settings: Settings, signal: AbortSignal): Promise<void> {
    const worker = await this.#workerFor(settings);
    const recipe = recipeNamed(settings.recipe);
    const goOn = settings.keep && this.#model !== undefined && recipe === this.#recipe;
    if (!goOn) {
      manualSeed(settings.seed);
      this.#adopt(worker, recipe, await recipe.model());
    } else if (!this.#predictor) {
      this.#adopt(worker, recipe, this.#model!);
    }
    const train = this.#subset(settings.images);
    const { epochs, batchSize, lr } = settings;
    const record = new TrainingRecord(epochs, train.length);
    const training = trainingOf(recipe, { epochs, batchSize, lr });
    let untried = 0;
    const run = worker.fit(this.#model!, train, {
      ...training,
      seed: settings.seed,
      signal,
      onBatch: (progress) => {
        record.batch(progress);
        this.#changed('progress');
        untried += progress.size;
        if (untried < BETWEEN_TRIES || this.#trying || signal.aborted) return;
        untried = 0;
        this.#try(run, record);
      },
    });
    this.#record = record;
    this.#optimizer = training.optimizer;
    this.#run = run;
    this.#changed('run');
    this.#changed('weights');
    if (this.#paused) run.pause();
    else record.pace.start();
    this.#become('training');
    for await (const epoch of run) {
      record.pace.stop();
      await this.#trying;
      this.#changed('weights');
      if (!(await this.#examine(signal))) break;
      record.examined(epoch, this.#exam.accuracy);
      this.#changed('epoch');
      if (!this.#paused) record.pace.start();
      this.#become('training');
    }
    await this.#trying;
    if (this.#failure) throw this.#failure.error;
    this.#changed('weights');
  }

  /** Classifies some test images with the weights of the moment, while the training goes on. */
  #try(run: WorkerFitRun, record: TrainingRecord): void {
    const trying = (async () => {
      await run.sync();
      this.#changed('weights');
      const { correct, size } = await this.#classifyNext(TRY);
      record.tries(correct, size);
      this.#trying = undefined;
    })();
    this.#trying = trying.catch((error: unknown) => {
      this.#failure ??= { error };
      this.#controller.abort();
    });
  }

  /** Classifies all test images; false where it was stopped. */
  async #examine(signal: AbortSignal): Promise<boolean> {
    this.#become('examining');
    this.#exam.rewind();
    for (let done = 0; done < this.#exam.size; done += SLICE) {
      if (this.#paused && !signal.aborted) await new Promise<void>((resolve) => (this.#resume = resolve));
      if (signal.aborted) return false;
      await this.#classifyNext(SLICE);
    }
    return true;
  }

  async #classifyNext(count: number): Promise<{ correct: number; size: number }> {
    const exam = this.#exam;
    const { start, end } = exam.turn(count);
    const pixels = this.test.images.subarray(start * PIXELS, end * PIXELS);
    const { classes, probabilities } = await this.#predictor!.predict(pixels);
    const correct = exam.record(start, classes, probabilities);
    this.#changed('exam');
    return { correct, size: end - start };
  }

  /** The worker that computes as asked: the one that is there, or another one. */
  async #workerFor({ threads, isa }: Settings): Promise<TrainingWorker> {
    const key = `${threads} ${isa}`;
    if (this.#worker?.key === key) return this.#worker.started;
    this.#dropWorker();
    const started = await TrainingWorker.start({
      ...(threads > 0 && { threads }),
      ...(isa !== 'auto' && { isa }),
    });
    this.#worker = { key, started };
    return started;
  }

  #dropWorker(): void {
    this.#worker?.started.terminate();
    this.#worker = undefined;
    this.#predictor = undefined;
  }

  /** Makes a model the one that is shown. */
  #adopt(worker: TrainingWorker, recipe: Recipe, model: Module): void {
    this.#predictor?.dispose();
    this.#predictor = worker.predictor(model, { inputShape: IMAGE_SHAPE, batchSize: SLICE });
    if (this.#model !== model) this.#exam = this.#newExam();
    this.#recipe = recipe;
    this.#model = model;
  }

  #newExam(): Exam {
    return new Exam(this.test.labels, this.test.classes!.length);
  }

  /** The first so many training images; the same object each time, since the worker keeps what it was sent. */
  #subset(images: number): ImageDataset {
    if (images === 0 || images >= this.train.length) return this.train;
    const known = this.#subsets.get(images) ?? this.train.take(images);
    this.#subsets.set(images, known);
    return known;
  }

  #become(phase: Phase): void {
    this.#phase = phase;
    this.#changed('phase');
  }
}

/** A model of the first recipe that a file's weights fit; where they fit none, the error of the one that is wanted. */
async function modelFrom(file: File, wanted: string): Promise<{ recipe: Recipe; model: Module }> {
  const first = recipeNamed(wanted);
  const errors: unknown[] = [];
  for (const recipe of [first, ...RECIPES.filter((one) => one !== first)]) {
    const model = await recipe.model();
    try {
      await load(model, file);
      return { recipe, model };
    } catch (error) {
      errors.push(error);
    }
  }
  throw errors[0];
}
