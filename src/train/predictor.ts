import type { Backend } from '../backend/backend.js';
import { defaultBackend } from '../backend/load.js';
import { countImages, dtypeOf } from '../data/check.js';
import type { Pixels } from '../data/dataset.js';
import { OptionError } from '../errors.js';
import { lower } from '../graph/lower.js';
import type { LoweredProgram } from '../graph/request.js';
import type { Module } from '../nn/module.js';
import { sizeOf, type TensorSpec } from '../ops/op.js';
import { boolean, checkOptions, positiveInteger } from '../options.js';

/** What `new Predictor(model, ...)` takes. */
export interface PredictorOptions {
  /** [C, H, W] of one image, or [features]. */
  inputShape: readonly number[];
  /** Images that are computed at a time; more are cut into as many runs as it takes. Default 100. */
  batchSize?: number;
  /** Default the backend of `loadBackend()`. */
  backend?: Backend;
  /** Run convolution, ReLU and max-pool as one op; default true. */
  fusion?: boolean;
}

/**
 * Applies a model to images, over and over: it owns a program and reads the model's weights as they are at the time.
 *
 *     const predictor = new Predictor(model, { inputShape: [1, 28, 28], batchSize: 1 });
 *     const scores = predictor.runSync(pixels);
 */
export class Predictor {
  /** What it computes with. */
  readonly backend: Backend;
  /** Images that are computed at a time. */
  readonly batchSize: number;
  /** Shape of one image. */
  readonly inputShape: readonly number[];
  /** Shape of the model's answer to one image. */
  readonly outputShape: readonly number[];
  readonly #model: Module;
  readonly #fusion: boolean;
  readonly #output: TensorSpec;
  readonly #programs = new Map<'uint8' | 'float32', LoweredProgram>();
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** Throws `ShapeError` where the model does not fit the images, `OptionError` for options that cannot be used. */
  constructor(model: Module, options: PredictorOptions) {
    const where = 'Predictor';
    const known = ['inputShape', 'batchSize', 'backend', 'fusion'] as const;
    const { inputShape, batchSize = 100, backend, fusion = true } = checkOptions(where, options, known);
    this.#model = model;
    this.inputShape = inputShape;
    this.batchSize = positiveInteger(where, 'batchSize', batchSize);
    this.#fusion = boolean(where, 'fusion', fusion);
    this.#output = model.trace(inputShape).output.spec;
    this.outputShape = this.#output.shape;
    this.backend = backend ?? defaultBackend();
  }

  /**
   * The model's output for N images: N times `outputShape`, in PyTorch's order. `images` are N*C*H*W bytes (0..255,
   * scaled to 0..1) or floats, NCHW. Throws `ShapeError` and `OptionError` before anything runs. Calls wait for one
   * another; the event loop stays free where the backend can.
   */
  async run(images: Pixels): Promise<Float32Array> {
    const output = this.#outputFor(images);
    const turn = this.#tail.then(async () => {
      for (const { lowered, chunk, target, size } of this.#chunks(images, output)) {
        lowered.program.write(lowered.images, chunk);
        await lowered.program.runAsync(size);
        lowered.program.read(lowered.output!, target);
      }
    });
    this.#waiting++;
    this.#tail = turn.then(
      () => this.#waiting--,
      () => this.#waiting--,
    );
    await turn;
    return output;
  }

  /** The same, on this thread. Throws `OptionError` while an asynchronous run is under way. */
  runSync(images: Pixels): Float32Array {
    if (this.#waiting > 0)
      throw new OptionError('[Predictor] a run is still under way: await it before runSync');
    const output = this.#outputFor(images);
    for (const { lowered, chunk, target, size } of this.#chunks(images, output)) {
      lowered.program.write(lowered.images, chunk);
      lowered.program.run(size);
      lowered.program.read(lowered.output!, target);
    }
    return output;
  }

  /** Frees the program at once; without it it goes with the predictor. */
  dispose(): void {
    for (const { program } of this.#programs.values()) program.dispose();
    this.#programs.clear();
  }

  /** `using predictor = new Predictor(...)` frees it at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #outputFor(images: Pixels): Float32Array {
    return new Float32Array(countImages('Predictor.run', images, this.inputShape) * sizeOf(this.#output));
  }

  *#chunks(images: Pixels, output: Float32Array) {
    const inputSize = sizeOf({ shape: this.inputShape });
    const outputSize = sizeOf(this.#output);
    const count = images.length / inputSize;
    for (let start = 0; start < count; start += this.batchSize) {
      const end = Math.min(count, start + this.batchSize);
      yield {
        lowered: this.#program(dtypeOf(images)),
        size: end - start,
        chunk: images.subarray(start * inputSize, end * inputSize),
        target: output.subarray(start * outputSize, end * outputSize),
      };
    }
  }

  #program(input: 'uint8' | 'float32'): LoweredProgram {
    const known = this.#programs.get(input);
    if (known?.current()) return known;
    known?.program.dispose();
    const { backend, batchSize: capacity } = this;
    const lowered = lower(this.#model.trace(this.inputShape), {
      backend,
      capacity,
      input,
      fusion: this.#fusion,
    });
    this.#programs.set(input, lowered);
    return lowered;
  }
}
