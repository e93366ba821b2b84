import type { Pixels } from '../data/dataset.js';
import { BackendError } from '../errors.js';
import type { LoweredProgram } from '../graph/request.js';
import type { Targets } from '../ops/loss.js';
import { sizeOf } from '../ops/op.js';
import { type Anomaly, type Examined, Examiner } from './anomaly.js';

/** A batch in the memory of a program. */
export interface Fed {
  readonly lowered: LoweredProgram;
  readonly size: number;
  readonly input: 'uint8' | 'float32';
  /** Where dropout draws from. */
  readonly words: Int32Array | undefined;
  /** Images whose labels the loss does not ignore. */
  readonly counted: number;
}

/** Looks at the steps of a trainer: at each before it is taken, or at one that was not finite afterwards. */
export class Watch {
  readonly #examined: Examined;
  readonly #targets: Targets;
  readonly #always: boolean;
  #examiner: Examiner | undefined;
  #fed: Fed | undefined;
  #anomaly: Anomaly | undefined;

  constructor(examined: Examined, targets: Targets, always: boolean) {
    this.#examined = examined;
    this.#targets = targets;
    this.#always = always;
  }

  /** What is wrong with a step that is to be taken, where every step is looked at. */
  before(fed: Fed): Anomaly | undefined {
    this.#fed = fed;
    this.#anomaly = this.#always ? this.#examine(fed) : undefined;
    return this.#anomaly;
  }

  /** What was wrong with the last step. One that was not finite has changed nothing, so that it can be run again. */
  explain(): Anomaly | undefined {
    if (this.#anomaly || !this.#fed) return this.#anomaly;
    try {
      return this.#examine(this.#fed);
    } catch (error) {
      // What is to be explained matters more than that there is no memory to explain it.
      if (error instanceof BackendError) return undefined;
      throw error;
    } finally {
      this.dispose();
    }
  }

  dispose(): void {
    this.#examiner?.dispose();
    this.#examiner = undefined;
    this.#fed = undefined;
  }

  #examine({ lowered: { program, ...buffers }, size, input, words }: Fed): Anomaly | undefined {
    const count = size * sizeOf({ shape: this.#examined.inputShape });
    const images: Pixels = input === 'uint8' ? new Uint8Array(count) : new Float32Array(count);
    const targets =
      this.#targets.kind === 'labels' ? new Int32Array(size) : new Float32Array(size * sizeOf(this.#targets));
    program.read(buffers.images, images);
    program.read(buffers.targets!, targets);
    this.#examiner ??= new Examiner(this.#examined);
    return this.#examiner.find({ images, targets, words, size });
  }
}
