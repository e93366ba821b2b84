import type { LoweredProgram } from '../graph/request.js';
import type { Reduction } from '../ops/loss.js';
import type { Buffer } from '../ops/op.js';

/** What a program's run on some images came to. */
export interface Reading {
  /** The images' losses, reduced. */
  readonly loss: number;
  /** Images whose class was right; NaN where the loss compares with values. */
  readonly correct: number;
  /** L2 norm of all gradients, where it is computed. */
  readonly gradNorm: number | undefined;
  /** Whether the run has changed the weights. */
  readonly finite: boolean;
}

/** Reads what steps came to, into the same arrays: new ones a step cost the engine as much as the rest of its part. */
export class Readings {
  readonly #losses: Float32Array;
  readonly #hits: Int32Array;
  readonly #one = new Float32Array(1);

  constructor(batchSize: number) {
    this.#losses = new Float32Array(batchSize);
    this.#hits = new Int32Array(batchSize);
  }

  read(lowered: LoweredProgram, size: number, reduction: Reduction): Reading {
    const { program, losses, total, hits, norm } = lowered;
    program.read(losses!, this.#losses);
    if (hits) program.read(hits, this.#hits);
    let [sum, correct] = [0, 0];
    for (let i = 0; i < size; i++) {
      sum += this.#losses[i]!;
      correct += this.#hits[i]!;
    }
    const gradNorm = norm && this.#readOne(lowered, norm);
    return {
      loss: reduction === 'sum' ? sum : sum / (total ? this.#readOne(lowered, total) : size),
      correct: hits ? correct : Number.NaN,
      gradNorm,
      finite: Number.isFinite(sum) && Number.isFinite(gradNorm ?? 0),
    };
  }

  #readOne({ program }: LoweredProgram, number: Buffer): number {
    program.read(number, this.#one);
    return this.#one[0]!;
  }
}
