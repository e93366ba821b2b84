import type { SymbolicTensor } from '../graph/graph.js';
import { ModuleBuffer, Parameter } from '../graph/parameter.js';
import { type BatchNormAttributes, batchNorm } from '../ops/batch_norm.js';
import { boolean, checkOptions, numberBetween, positiveInteger } from '../options.js';
import { Module } from './module.js';

/** Options of the batch normalisations. */
export interface BatchNormOptions {
  /** Added to the variance, so that nothing is divided by zero; default 1e-5. */
  eps?: number;
  /**
   * Weight of the newest batch in the running statistics, 0 to 1; default 0.1. null: every batch weighs the same.
   */
  momentum?: number | null;
  /** Learn a weight and a bias a channel; default true. */
  affine?: boolean;
}

/** Checks the options that module and function have in common. */
export function batchNormNumbers(where: string, { eps = 1e-5, momentum = 0.1 }: BatchNormOptions) {
  return {
    eps: numberBetween(where, 'eps', eps, 0, Number.MAX_VALUE),
    momentum: momentum === null ? null : numberBetween(where, 'momentum', momentum, 0, 1),
  };
}

/** What both have; not exported. */
abstract class BatchNorm extends Module {
  /** [numFeatures], ones at first; null where `affine` is false. */
  readonly weight: Parameter | null;
  /** [numFeatures], zeros at first; null where `affine` is false. */
  readonly bias: Parameter | null;
  /** [numFeatures], zeros at first. */
  readonly running_mean: ModuleBuffer;
  /** [numFeatures], ones at first; of variances with the unbiased divisor, as in PyTorch. */
  readonly running_var: ModuleBuffer;
  /** Training batches so far: one number. */
  readonly num_batches_tracked: ModuleBuffer;
  readonly #attributes: Omit<BatchNormAttributes, 'training'>;

  constructor(where: string, dimensions: 1 | 3, numFeatures: number, options: BatchNormOptions | undefined) {
    super();
    const checked = checkOptions(where, options, ['eps', 'momentum', 'affine']);
    const shape = [positiveInteger(where, 'numFeatures', numFeatures)];
    this.#attributes = { dimensions, ...batchNormNumbers(where, checked) };
    const affine = boolean(where, 'affine', checked.affine ?? true);
    const ones = new Float32Array(numFeatures).fill(1);
    this.weight = affine ? new Parameter(shape, ones) : null;
    this.bias = affine ? new Parameter(shape) : null;
    this.running_mean = new ModuleBuffer(shape, new Float32Array(numFeatures));
    this.running_var = new ModuleBuffer(shape, ones);
    this.num_batches_tracked = new ModuleBuffer([], new Float32Array(1), 'int64');
  }

  forward(x: SymbolicTensor): SymbolicTensor {
    const { weight, bias, running_mean, running_var, num_batches_tracked } = this;
    return x.graph.apply(
      batchNorm,
      [x],
      { weight, bias, running_mean, running_var, num_batches_tracked },
      { ...this.#attributes, training: this.training },
      this,
    );
  }
}

/**
 * torch.nn.BatchNorm2d: (x - mean) / sqrt(var + eps) * weight + bias for every channel of [numFeatures, H, W]. Training
 * takes mean and variance over all pixels of the batch, and `running_mean` and `running_var` follow; a model that is
 * applied, or in `eval()`, takes these.
 */
export class BatchNorm2d extends BatchNorm {
  /** Throws `OptionError` for a number of channels that is not whole and positive, and for options it cannot use. */
  constructor(numFeatures: number, options?: BatchNormOptions) {
    super('BatchNorm2d', 3, numFeatures, options);
  }
}

/** torch.nn.BatchNorm1d: the same for every one of [numFeatures] features, over the images of the batch. */
export class BatchNorm1d extends BatchNorm {
  /** Throws `OptionError` for a number of features that is not whole and positive, and for options it cannot use. */
  constructor(numFeatures: number, options?: BatchNormOptions) {
    super('BatchNorm1d', 1, numFeatures, options);
  }
}
