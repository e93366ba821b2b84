import type { UpdateEmitter } from '../graph/lower.js';

/** What a training program needs of an optimizer. */
export interface Optimizer {
  /** Learning rate; may be changed between steps. */
  lr: number;
  /**
   * Emits the kernel calls of one update. Returns what to write into the state `hyper` before each step; steps count
   * from 0.
   * @internal
   */
  emit(update: UpdateEmitter): (step: number) => Float32Array;
}

/** Name of the state that holds the numbers which change from step to step. */
export const HYPER = 'hyper';
