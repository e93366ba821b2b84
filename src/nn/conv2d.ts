import { OptionError } from '../errors.js';
import type { SymbolicTensor } from '../graph/graph.js';
import type { Parameter } from '../graph/parameter.js';
import { type Conv2dAttributes, conv2d } from '../ops/conv2d.js';
import { withWinograd } from '../ops/winograd.js';
import { boolean, checkOptions, positiveInteger } from '../options.js';
import type { Generator } from '../random.js';
import { uniformFanIn } from './init.js';
import { Module } from './module.js';
import { pair, type Size2d } from './pair.js';

/** What `new Conv2d(...)` may be told. */
export interface Conv2dOptions {
  /** Default 1. */
  stride?: Size2d;
  /** Zeros around the image; default 0. */
  padding?: Size2d;
  /** Distance between taps; default 1. */
  dilation?: Size2d;
  /** Default 1; `inChannels` makes the convolution depthwise. */
  groups?: number;
  /** Default true. */
  bias?: boolean;
  /**
   * Computes values and input gradients by minimal filtering (Winograd's F(2x2, 3x3); Lavin and Gray, 2015): 16
   * products for 36, so that layers of 16 channels and more take 0.6 to 0.8 of the time. It rounds otherwise, not more.
   * For 3x3 kernels with stride 1, dilation 1, one group and padding up to 2. A max-pool behind it is computed by
   * itself. Default false.
   */
  winograd?: boolean;
  /** Where the first weights come from; default the generator that `manualSeed` seeds. */
  generator?: Generator;
}

/**
 * torch.nn.Conv2d: [inChannels, H, W] to [outChannels, OH, OW] with
 * OH = floor((H + 2 padding - dilation (kernel - 1) - 1) / stride) + 1.
 * `weight` is [outChannels, inChannels / groups, KH, KW], `bias` [outChannels].
 */
export class Conv2d extends Module {
  /** [outChannels, inChannels / groups, KH, KW]. */
  readonly weight: Parameter;
  /** [outChannels]; null where `bias` is false. */
  readonly bias: Parameter | null;
  readonly #attributes: Conv2dAttributes;

  /**
   * Throws `OptionError` for sizes that are not whole and positive, unknown options, groups that do not divide, and
   * `winograd` where it cannot be.
   */
  constructor(inChannels: number, outChannels: number, kernelSize: Size2d, options?: Conv2dOptions) {
    super();
    const where = 'Conv2d';
    const known = ['stride', 'padding', 'dilation', 'groups', 'bias', 'winograd', 'generator'] as const;
    const {
      stride = 1,
      padding = 0,
      dilation = 1,
      groups = 1,
      bias = true,
      winograd = false,
      generator,
    } = checkOptions(where, options, known);
    positiveInteger(where, 'inChannels', inChannels);
    positiveInteger(where, 'outChannels', outChannels);
    positiveInteger(where, 'groups', groups);
    if (inChannels % groups !== 0 || outChannels % groups !== 0) {
      throw new OptionError(
        `[${where}] ${inChannels} and ${outChannels} channels do not both divide into ${groups} groups`,
      );
    }
    const kernel = pair(where, 'kernelSize', kernelSize, 1);
    const attributes: Conv2dAttributes = {
      kernel,
      outChannels,
      groups,
      stride: pair(where, 'stride', stride, 1),
      padding: pair(where, 'padding', padding, 0),
      dilation: pair(where, 'dilation', dilation, 1),
    };
    this.#attributes = withWinograd(where, attributes, inChannels, winograd);
    const fanIn = (inChannels / groups) * kernel[0] * kernel[1];
    const shape = [outChannels, inChannels / groups, ...kernel];
    this.weight = uniformFanIn(shape, fanIn, generator);
    this.bias = boolean(where, 'bias', bias) ? uniformFanIn([outChannels], fanIn, generator) : null;
  }

  forward(x: SymbolicTensor): SymbolicTensor {
    return x.graph.apply(conv2d, [x], { weight: this.weight, bias: this.bias }, this.#attributes, this);
  }
}
