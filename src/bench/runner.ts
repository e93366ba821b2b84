import type { Backend } from '../backend/backend.js';
import type { Layer } from './layers.js';
import type { Sampler } from './measure.js';
import type { Network } from './networks.js';
import type { Pass } from './passes.js';

/** Something to do over and over. */
export type Task =
  /** One pass through a convolution on `batch` images; fused: with ReLU and max-pool. */
  | {
      readonly kind: 'layer';
      readonly layer: Layer;
      readonly pass: Pass;
      readonly batch: number;
      readonly fused: boolean;
    }
  /** A step of the article's training on `batch` images, from the images to the loss. */
  | { readonly kind: 'step'; readonly batch: number }
  /** A step of another network's training, on images that are made up (networks.ts). */
  | { readonly kind: 'network'; readonly network: Network; readonly batch: number }
  /** The article's network on `batch` images, from the images to the scores. */
  | { readonly kind: 'inference'; readonly batch: number };

/** A task made ready. */
export interface Prepared {
  readonly sample: Sampler;
  /**
   * What shows that it computes what the others do: the loss of the first step from the given weights, or the sum of
   * the first image's scores; undefined where there is nothing to compare.
   */
  readonly check?: number;
  dispose(): void;
}

/** A training from the given weights, in the data's order. */
export interface Training {
  /** Seconds of each epoch's training, and of the validation after it. */
  readonly epochs: readonly { readonly train: number; readonly validation: number }[];
  /** On the test images, after the last epoch. */
  readonly accuracy: number;
}

/** Who computes: Twill on one of its backends, or a peer. */
export interface Runner {
  /** `Twill native avx512`, `PyTorch 1.13`, ... */
  readonly name: string;
  readonly threads: number;
  /** The backend whose FMA peak this is held against: same machine, same kind of code, same threads. */
  readonly yardstick: Backend | undefined;
  /** Undefined where the runner has no such thing. Throws where it should but cannot. */
  prepare(task: Task): Promise<Prepared | undefined>;
  /** Trains the article's network and validates it after every epoch; absent where that takes too long. */
  train?(epochs: number): Promise<Training>;
}
