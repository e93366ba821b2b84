import { Curve, type Point, RecentMean } from './curve.js';
import { Pace } from './pace.js';
import type { BatchProgress, EpochResult } from './twill.js';

/** Images over which the figures of the moment are taken: of those that it learns from, and of the others. */
const RECENT = 2000;
const RECENT_TESTED = 800;
/** A figure of fewer would jump about. */
const LEAST_TESTED = 200;

/** What there is to tell of one training, while it runs and afterwards. Positions are in epochs. */
export class TrainingRecord {
  readonly epochs: number;
  readonly pace: Pace;
  /** Cost of the batches. */
  readonly costs = new Curve();
  /** Accuracy on the images that it learns from, and on some of those that it never sees. */
  readonly learnt = new Curve();
  readonly tested = new Curve();
  /** Accuracy on all test images, after each epoch. */
  readonly exact: Point[] = [];
  /** The mean of the last batches. */
  readonly cost = new RecentMean(RECENT);
  readonly #learnt = new RecentMean(RECENT);
  readonly #tested = new RecentMean(RECENT_TESTED);
  /** Epoch that runs, from 1, and the part of it that is done. */
  epoch = 1;
  done = 0;

  constructor(epochs: number, images: number) {
    this.epochs = epochs;
    this.pace = new Pace(epochs * images);
  }

  get position(): number {
    return this.epoch - 1 + this.done;
  }

  batch({ epoch, batch, batches, loss, correct, size }: BatchProgress): void {
    this.epoch = epoch;
    this.done = batch / batches;
    this.pace.add(size);
    this.cost.add(loss * size, size);
    this.#learnt.add(correct, size);
    this.costs.add(this.position, loss);
    this.learnt.add(this.position, this.#learnt.mean);
  }

  /** Some of the test images were classified. */
  tries(correct: number, size: number): void {
    this.#tested.add(correct, size);
    if (this.#tested.weight >= LEAST_TESTED) this.tested.add(this.position, this.#tested.mean);
  }

  /** All of them were, after an epoch. */
  examined({ epoch }: EpochResult, accuracy: number): void {
    this.exact.push({ x: epoch, y: accuracy });
  }
}
