import { OptionError } from '../errors.js';
import type { SymbolicTensor } from '../graph/graph.js';
import { Parameter } from '../graph/parameter.js';
import { type GroupNormAttributes, groupNorm } from '../ops/group_norm.js';
import { boolean, checkOptions, numberBetween, positiveInteger, show } from '../options.js';
import { Module } from './module.js';

/** Options of the normalisations of one image by itself. */
export interface GroupNormOptions {
  /** Added to the variance, so that nothing is divided by zero; default 1e-5. */
  eps?: number;
  /** Learn a weight and a bias a channel; default true. */
  affine?: boolean;
}

/** Options of `LayerNorm`. */
export interface LayerNormOptions {
  /** Added to the variance, so that nothing is divided by zero; default 1e-5. */
  eps?: number;
  /** Learn a weight and a bias for each value; default true. */
  elementwiseAffine?: boolean;
}

/** Options of `InstanceNorm2d`. */
export interface InstanceNorm2dOptions {
  /** Added to the variance, so that nothing is divided by zero; default 1e-5. */
  eps?: number;
  /** Learn a weight and a bias a channel; default false. */
  affine?: boolean;
}

/** Checks the one option that modules and functions have in common. */
export function epsOf(where: string, eps = 1e-5): number {
  return numberBetween(where, 'eps', eps, 0, Number.MAX_VALUE);
}

/** Checks and expands the shape of a layer normalisation. */
export function normalizedShapeOf(where: string, shape: number | readonly number[]): readonly number[] {
  const list: readonly number[] = Array.isArray(shape) ? shape : [shape as number];
  if (list.length !== 1 && list.length !== 3) {
    const instead =
      list.length === 2 ? ': over height and width alone normalises InstanceNorm2d, without affine' : '';
    throw new OptionError(
      `[${where}] normalizedShape must be all of an image, [C, H, W] or a number of features, but is ${show(shape)}${instead}`,
    );
  }
  return list.map((size) => positiveInteger(where, 'normalizedShape', size));
}

/** What all of them have; not exported. */
abstract class ImageNorm extends Module {
  /** Ones at first; null where it is not `affine`. */
  readonly weight: Parameter | null;
  /** Zeros at first; null where it is not `affine`. */
  readonly bias: Parameter | null;
  readonly #attributes: GroupNormAttributes;

  constructor(shape: readonly number[], affine: boolean, attributes: GroupNormAttributes) {
    super();
    this.#attributes = attributes;
    const ones = () => new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(1);
    this.weight = affine ? new Parameter(shape, ones()) : null;
    this.bias = affine ? new Parameter(shape) : null;
  }

  forward(x: SymbolicTensor): SymbolicTensor {
    const { weight, bias } = this;
    return x.graph.apply(groupNorm, [x], { weight, bias }, this.#attributes, this);
  }
}

/**
 * torch.nn.GroupNorm: (x - mean) / sqrt(var + eps) * weight + bias with mean and variance over each of `numGroups`
 * groups of the channels of [numChannels, H, W], or of [numChannels] features. `weight` and `bias` are [numChannels].
 */
export class GroupNorm extends ImageNorm {
  /** Throws `OptionError` for numbers that are not whole and positive or do not divide, and for unknown options. */
  constructor(numGroups: number, numChannels: number, options?: GroupNormOptions) {
    const where = 'GroupNorm';
    const { eps, affine = true } = checkOptions(where, options, ['eps', 'affine']);
    const groups = positiveInteger(where, 'numGroups', numGroups);
    if (positiveInteger(where, 'numChannels', numChannels) % groups !== 0) {
      throw new OptionError(`[${where}] ${numChannels} channels do not divide into ${groups} groups`);
    }
    super([numChannels], boolean(where, 'affine', affine), { groups, eps: epsOf(where, eps) });
  }
}

/**
 * torch.nn.LayerNorm: (x - mean) / sqrt(var + eps) * weight + bias with mean and variance over all of an image
 * [C, H, W], or all of its features. `weight` and `bias` are of `normalizedShape`.
 */
export class LayerNorm extends ImageNorm {
  /** Throws `OptionError` for sizes that are not whole and positive, for other shapes, and for unknown options. */
  constructor(normalizedShape: number | readonly number[], options?: LayerNormOptions) {
    const where = 'LayerNorm';
    const { eps, elementwiseAffine = true } = checkOptions(where, options, ['eps', 'elementwiseAffine']);
    const shape = normalizedShapeOf(where, normalizedShape);
    const affine = boolean(where, 'elementwiseAffine', elementwiseAffine);
    super(shape, affine, { normalizedShape: shape, eps: epsOf(where, eps) });
  }
}

/**
 * torch.nn.InstanceNorm2d: (x - mean) / sqrt(var + eps) with mean and variance over each channel of one image
 * [numFeatures, H, W]. `weight` and `bias`, with `affine`, are [numFeatures]; it has no running statistics.
 */
export class InstanceNorm2d extends ImageNorm {
  /** Throws `OptionError` for a number that is not whole and positive, and for unknown options. */
  constructor(numFeatures: number, options?: InstanceNorm2dOptions) {
    const where = 'InstanceNorm2d';
    const { eps, affine = false } = checkOptions(where, options, ['eps', 'affine']);
    const shape = [positiveInteger(where, 'numFeatures', numFeatures)];
    super(shape, boolean(where, 'affine', affine), { groups: null, eps: epsOf(where, eps) });
  }
}
