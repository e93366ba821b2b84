import type { Backend } from '../backend/backend.js';
import { defaultBackend } from '../backend/load.js';
import { checkTargets, countImages, dtypeOf } from '../data/check.js';
import type { Pixels } from '../data/dataset.js';
import { OptionError, ShapeError } from '../errors.js';
import { lower, RANDOM_WORDS } from '../graph/lower.js';
import type { LoweredProgram } from '../graph/request.js';
import type { Loss } from '../nn/loss.js';
import { CrossEntropyLoss } from '../nn/loss.js';
import { Module, type StateDict } from '../nn/module.js';
import { countedOf, type Targets } from '../ops/loss.js';
import { sizeOf } from '../ops/op.js';
import { type Averaging, checkAveraging } from '../optim/averaging.js';
import { checkClipping, type Clipping } from '../optim/clipping.js';
import { Optimizer } from '../optim/optimizer.js';
import { boolean, checkOptions, nonNegativeInteger, positiveInteger, show } from '../options.js';
import { Generator, type GeneratorState } from '../random.js';
import { type Anomaly, anomalyError } from './anomaly.js';
import { decodeCheckpoint, encodeCheckpoint, type Snapshot } from './checkpoint.js';
import { Readings } from './readings.js';
import { Updater } from './updater.js';
import { type Fed, Watch } from './watch.js';

/** What `new Trainer(model, ...)` takes. */
export interface TrainerOptions extends Clipping {
  /** [C, H, W] of one image, or [features]. */
  inputShape: readonly number[];
  /** How gradients become updates, `new SGD({ lr: 0.1 })`. */
  optimizer: Optimizer;
  /** Default `CrossEntropyLoss`. */
  loss?: Loss;
  /** Averages the weights as they are learnt; default not. */
  averaging?: Averaging;
  /** Images that a step takes at most; default 100. */
  batchSize?: number;
  /** Default the backend of `loadBackend()`. */
  backend?: Backend;
  /** Where dropout draws from, 0 to 2^53 - 1; default 0. */
  seed?: number;
  /** Run convolution, ReLU and max-pool as one op; default true. */
  fusion?: boolean;
  /**
   * Looks at every layer's output and gradients before each step, torch.autograd.set_detect_anomaly: a step that would
   * come to NaN or infinity throws `NumericError` with the first layer, weight or image that is not finite, and changes
   * nothing. For debugging: the layers run one by one, on this thread, before the step itself does. Default false.
   */
  detectAnomaly?: boolean;
}

/** What one step of training tells. */
export interface StepResult {
  /** Loss of the batch (its mean, unless the loss sums), before the update. Not finite: the step changed nothing. */
  readonly loss: number;
  /** Images whose class was right, before the update; NaN where the loss compares with values, not with labels. */
  readonly correct: number;
  /** Images in the batch. */
  readonly size: number;
  /** Those of them whose labels the loss does not ignore: what accuracy is a fraction of. */
  readonly counted: number;
  /** L2 norm of all gradients before clipping, where there is a `clipGradNorm`. Not finite: the step changed nothing. */
  readonly gradNorm?: number;
}

/** Those that a trainer has wherever it runs. */
export const TRAINER_OPTIONS = [
  'inputShape',
  'optimizer',
  'loss',
  'batchSize',
  'seed',
  'fusion',
  'averaging',
  'clipGradNorm',
  'clipGradValue',
  'detectAnomaly',
] as const;

/**
 * Trains a model step by step, for loops of one's own. It owns a program and the optimizer's state; the weights stay
 * the model's and can be read between steps.
 *
 *     const trainer = new Trainer(model, { inputShape: [1, 28, 28], optimizer: new SGD({ lr: 0.1 }) });
 *     const { loss, correct } = await trainer.step(images, labels);
 */
export class Trainer {
  /** What it trains. */
  readonly model: Module;
  /** What it computes with. */
  readonly backend: Backend;
  /** Its `lr` may be set between steps. */
  readonly optimizer: Optimizer;
  /** Images that a step takes at most. */
  readonly batchSize: number;
  /** Shape of one image. */
  readonly inputShape: readonly number[];
  /** Scores, or values, that the model gives an image. */
  readonly classes: number;
  /** What its loss compares with. @internal */
  readonly targets: Targets;
  readonly #loss: Loss;
  readonly #random: Generator;
  readonly #fusion: boolean;
  readonly #updater: Updater;
  readonly #averaging: boolean;
  readonly #watch: Watch;
  readonly #programs = new Map<'uint8' | 'float32', LoweredProgram>();
  readonly #readings: Readings;
  #steps = 0;
  #running = false;
  #exchanged = false;
  #disposed = false;

  /** Throws `ShapeError` where the model does not fit the images, `OptionError` for options that cannot be used. */
  constructor(model: Module, options: TrainerOptions) {
    const where = 'Trainer';
    const {
      inputShape,
      optimizer,
      loss,
      batchSize = 100,
      backend,
      seed = 0,
      fusion = true,
      averaging,
      detectAnomaly = false,
      ...clipping
    } = checkOptions(where, options, [...TRAINER_OPTIONS, 'backend']);
    if (!(model instanceof Module))
      throw new OptionError(`[${where}] expected a model but got ${show(model)}`);
    if (!(optimizer instanceof Optimizer)) {
      throw new OptionError(
        `[${where}] optimizer must be an optimizer such as new SGD({ lr: 0.1 }) but is ${show(optimizer)}`,
      );
    }
    this.model = model;
    this.optimizer = optimizer;
    this.inputShape = inputShape;
    this.batchSize = positiveInteger(where, 'batchSize', batchSize);
    this.#readings = new Readings(this.batchSize);
    this.#fusion = boolean(where, 'fusion', fusion);
    this.#loss = loss ?? new CrossEntropyLoss();
    this.#random = new Generator(nonNegativeInteger(where, 'seed', seed));
    const { graph, output } = model.trace(inputShape);
    this.targets = this.#loss.op.targets(output.spec);
    this.classes = sizeOf(output.spec);
    this.backend = backend ?? defaultBackend();
    this.#watch = new Watch(
      { model, backend: this.backend, inputShape, batchSize, loss: this.#loss },
      this.targets,
      boolean(where, 'detectAnomaly', detectAnomaly),
    );
    this.#averaging = averaging !== undefined;
    this.#updater = new Updater(
      this.backend,
      model,
      optimizer,
      checkClipping(where, clipping),
      checkAveraging(where, averaging),
      new Set(graph.nodes.flatMap(({ parameters }) => Object.values(parameters))),
    );
  }

  /** Steps taken so far. */
  get steps(): number {
    return this.#steps;
  }

  /** Where the random numbers of the next step come from. @internal */
  get random(): GeneratorState {
    return this.#random.state;
  }

  /** @internal */
  set random(state: GeneratorState) {
    this.#random.setState(state);
  }

  /**
   * One step of forward, backward and update on up to `batchSize` images: `images` N*C*H*W bytes (0..255, scaled to
   * 0..1) or floats, NCHW; `targets` N class numbers, or where the loss compares with values (`MSELoss`) floats of the
   * output's shape, NCHW. Both are copied before it returns. The event loop stays free where the backend can. Throws
   * `ShapeError`, `LabelError`, `OptionError` before anything is changed, and with `detectAnomaly` `NumericError`.
   */
  async step(images: Pixels, targets: ArrayLike<number>): Promise<StepResult> {
    const fed = this.#feed(images, targets);
    this.#running = true;
    try {
      await fed.lowered.program.runAsync(fed.size);
    } finally {
      this.#running = false;
    }
    return this.#result(fed);
  }

  /** The same, on this thread. */
  stepSync(images: Pixels, targets: ArrayLike<number>): StepResult {
    const fed = this.#feed(images, targets);
    fed.lowered.program.run(fed.size);
    return this.#result(fed);
  }

  /**
   * The model's state with the averaged weights in place of the trainable ones: `averaged.loadStateDict(...)`. Before
   * the first step it is the model's own. Throws `OptionError` without `averaging`.
   */
  averagedState(): StateDict {
    this.#averages('Trainer.averagedState');
    const state = this.model.stateDict();
    if (!this.#updater.averages) return state;
    const averages = this.#updater.averagedWeights();
    return new Map([...state].map(([path, tensor]) => [path, averages.get(path) ?? tensor]));
  }

  /**
   * Exchanges the model's trainable weights with the averaged ones, to evaluate or save those; a second call exchanges
   * them back. Until then no step can be taken. Throws `OptionError` without `averaging`.
   */
  exchangeAverage(): void {
    this.#averages('Trainer.exchangeAverage');
    this.#refuseWhileRunning();
    if (this.#updater.averages) this.#updater.exchange();
    this.#exchanged = !this.#exchanged;
  }

  /** Whether the model holds the averaged weights, by `exchangeAverage`. */
  get exchanged(): boolean {
    return this.#exchanged;
  }

  /**
   * All that a training goes on from, as the bytes of a safetensors file: the model's state, the optimizer's, the
   * averages, the steps taken, the learning rates. Throws `NumericError` where a number in it is not finite.
   */
  checkpoint(): Uint8Array<ArrayBuffer> {
    return encodeCheckpoint(this.snapshot());
  }

  /**
   * Goes on where the trainer that gave `checkpoint()` was: what follows has the bits of a training that went on then.
   * The model, the optimizer and the options have to be made as they were. Throws `FormatError` for bytes that are no
   * checkpoint, and `OptionError` or `ShapeError` for one that does not fit, before anything is changed.
   */
  restore(checkpoint: Uint8Array): void {
    this.restoreSnapshot(decodeCheckpoint(checkpoint));
  }

  /** What `checkpoint` holds. @internal */
  snapshot(): Snapshot {
    const where = 'Trainer.checkpoint';
    this.#refuseToStep(where);
    const { kind, lrs, momenta } = this.optimizer;
    return {
      model: this.model.stateDict(),
      optimizer: this.#updater.read(),
      trainer: {
        steps: this.#steps,
        optimizer: kind,
        lrs: [...lrs],
        momenta: [...momenta],
        random: this.random,
      },
    };
  }

  /** @internal */
  restoreSnapshot({ model, optimizer, trainer }: Snapshot): void {
    const where = 'Trainer.restore';
    this.#refuseToStep(where);
    const { kind, groups } = this.optimizer;
    if (trainer.optimizer !== kind || trainer.lrs.length !== groups.length + 1) {
      throw new OptionError(
        `[${where}] the optimizer is ${kind} with ${groups.length} groups but was ${trainer.optimizer} with ` +
          `${trainer.lrs.length - 1} where the checkpoint was made`,
      );
    }
    const { momenta } = this.optimizer;
    const random = trainer.random && Generator.fromState(trainer.random);
    try {
      // What is kept depends on the momenta.
      this.optimizer.momenta = trainer.momenta;
      this.#updater.check(where, optimizer);
      this.model.loadStateDict(model);
    } catch (error) {
      this.optimizer.momenta = momenta;
      throw error;
    }
    this.#updater.restore(optimizer);
    this.optimizer.lrs = trainer.lrs;
    if (random) this.random = random.state;
    this.#steps = trainer.steps;
  }

  /** What was not finite in the last step. @internal */
  get anomaly(): Anomaly | undefined {
    return this.#watch.explain();
  }

  /** Frees the program and the optimizer's state at once; without it they go with the trainer. */
  dispose(): void {
    this.#refuseWhileRunning();
    this.#disposed = true;
    for (const { program } of this.#programs.values()) program.dispose();
    this.#updater.dispose();
    this.#watch.dispose();
    this.#programs.clear();
  }

  /** `using trainer = new Trainer(...)` frees it at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #feed(images: Pixels, targets: ArrayLike<number>): Fed {
    const where = 'Trainer.step';
    this.#refuseToStep(where);
    const size = countImages(where, images, this.inputShape);
    if (size > this.batchSize) {
      throw new OptionError(`[${where}] got ${size} images but the trainer's batchSize is ${this.batchSize}`);
    }
    const checked = checkTargets(where, targets, size, this.targets);
    const lowered = this.#program(dtypeOf(images));
    const { needs } = lowered;
    if (needs && size < needs.batch) {
      throw new ShapeError(
        `[${where}] ${needs.where} needs at least ${needs.batch} images to learn from but got ${size}`,
      );
    }
    lowered.program.write(lowered.images, images);
    lowered.program.write(lowered.targets!, checked);
    const before = this.random;
    const words = lowered.random && Int32Array.from({ length: RANDOM_WORDS }, () => this.#random.uint32());
    if (words) lowered.program.write(lowered.random!, words);
    this.#updater.prepare(this.#steps);
    const counted = countedOf(checked, this.targets);
    const fed = { lowered, size, input: dtypeOf(images), words, counted };
    const anomaly = this.#watch.before(fed);
    if (!anomaly) return fed;
    this.random = before;
    throw anomalyError(where, anomaly);
  }

  #result({ lowered, size, counted }: Fed): StepResult {
    const { loss, correct, gradNorm, finite } = this.#readings.read(lowered, size, this.#loss.reduction);
    if (finite) this.#steps++;
    return { loss, correct, size, counted, ...(gradNorm !== undefined && { gradNorm }) };
  }

  /** The program for one kind of input, made anew where another one has moved the weights. */
  #program(input: 'uint8' | 'float32'): LoweredProgram {
    const known = this.#programs.get(input);
    if (known?.current()) return known;
    known?.program.dispose();
    const lowered = lower(this.model.trace(this.inputShape), {
      backend: this.backend,
      capacity: this.batchSize,
      input,
      loss: this.#loss,
      gradients: 'parameters',
      output: false,
      fusion: this.#fusion,
      update: this.#updater.request,
    });
    this.#programs.set(input, lowered);
    return lowered;
  }

  #averages(where: string): void {
    if (this.#disposed) throw new OptionError(`[${where}] the trainer was disposed`);
    if (!this.#averaging) throw new OptionError(`[${where}] the trainer has no averaging`);
  }

  #refuseToStep(where: string): void {
    if (this.#disposed) throw new OptionError(`[${where}] the trainer was disposed`);
    this.#refuseWhileRunning();
    if (!this.#exchanged) return;
    throw new OptionError(`[${where}] the model holds the averaged weights: call exchangeAverage() before`);
  }

  #refuseWhileRunning(): void {
    if (this.#running)
      throw new OptionError('[Trainer] a step is still running: await it before the next call');
  }
}
