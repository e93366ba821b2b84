import { OptionError } from '../errors.js';
import type { SymbolicTensor } from '../graph/graph.js';
import type { Parameter } from '../graph/parameter.js';
import { type ConvTranspose2dAttributes, convTranspose2d } from '../ops/conv_transpose2d.js';
import { type Pad2dAttributes, pad2d } from '../ops/pad2d.js';
import { boolean, checkOptions, positiveInteger } from '../options.js';
import type { Generator } from '../random.js';
import { uniformFanIn } from './init.js';
import { Module } from './module.js';
import { pair, type Size2d } from './pair.js';

/** How a transposed convolution lies over its output; those of the function, too. */
export interface ConvTranspose2dFunctionOptions {
  /** Pixels of the output from one of the input to the next; default 1. */
  stride?: Size2d;
  /** Rows and columns that are cut off all around the output; default 0. */
  padding?: Size2d;
  /** Rows and columns more at the output's lower and right edge, less than the stride or the dilation; default 0. */
  outputPadding?: Size2d;
  /** Default 1. */
  groups?: number;
  /** Distance between taps; default 1. */
  dilation?: Size2d;
}

/** What `new ConvTranspose2d(...)` may be told. */
export interface ConvTranspose2dOptions extends ConvTranspose2dFunctionOptions {
  /** Default true. */
  bias?: boolean;
  /** Where the first weights come from; default the generator that `manualSeed` seeds. */
  generator?: Generator;
}

export const CONV_TRANSPOSE2D_OPTIONS = ['stride', 'padding', 'outputPadding', 'groups', 'dilation'] as const;

/** Checks and expands the options that module and function have in common. */
export function convTranspose2dAttributes(
  where: string,
  kernelSize: Size2d,
  options: ConvTranspose2dFunctionOptions,
): ConvTranspose2dAttributes {
  const { stride = 1, padding = 0, outputPadding = 0, groups = 1, dilation = 1 } = options;
  const attributes = {
    kernel: pair(where, 'kernelSize', kernelSize, 1),
    groups: positiveInteger(where, 'groups', groups),
    stride: pair(where, 'stride', stride, 1),
    padding: pair(where, 'padding', padding, 0),
    outputPadding: pair(where, 'outputPadding', outputPadding, 0),
    dilation: pair(where, 'dilation', dilation, 1),
  };
  const most = ([0, 1] as const).map((axis) => Math.max(attributes.stride[axis], attributes.dilation[axis]));
  if (attributes.outputPadding.some((more, axis) => more >= most[axis]!)) {
    const [more, steps] = [attributes.outputPadding.join('x'), attributes.stride.join('x')];
    throw new OptionError(
      `[${where}] outputPadding must be less than the stride (${steps}) or the dilation ` +
        `(${attributes.dilation.join('x')}) but is ${more}`,
    );
  }
  return attributes;
}

/**
 * What gives an output padding of a whole stride and more: zeros below and to the right of the input, of which each row
 * and column makes a stride more of output. Null where there is none such.
 */
export function widened(
  attributes: ConvTranspose2dAttributes,
): { pad: Pad2dAttributes; attributes: ConvTranspose2dAttributes } | null {
  const { outputPadding, stride } = attributes;
  const [bottom, right] = outputPadding.map((more, axis) => Math.floor(more / stride[axis]!)) as [
    number,
    number,
  ];
  if (bottom === 0 && right === 0) return null;
  const rest = [outputPadding[0] - bottom * stride[0], outputPadding[1] - right * stride[1]] as const;
  return {
    pad: { padding: [0, right, 0, bottom], mode: 'constant', value: 0 },
    attributes: { ...attributes, outputPadding: rest },
  };
}

/**
 * torch.nn.ConvTranspose2d: [inChannels, H, W] to [outChannels, OH, OW] with
 * OH = (H - 1) stride - 2 padding + dilation (kernel - 1) + outputPadding + 1.
 * `weight` is [inChannels, outChannels / groups, KH, KW], `bias` [outChannels].
 */
export class ConvTranspose2d extends Module {
  /** [inChannels, outChannels / groups, KH, KW]. */
  readonly weight: Parameter;
  /** [outChannels]; null where `bias` is false. */
  readonly bias: Parameter | null;
  readonly #attributes: ConvTranspose2dAttributes;

  /**
   * Throws `OptionError` for sizes that are not whole and positive, unknown options, groups that do not divide, and an
   * output padding that is less than neither the stride nor the dilation.
   */
  constructor(inChannels: number, outChannels: number, kernelSize: Size2d, options?: ConvTranspose2dOptions) {
    super();
    const where = 'ConvTranspose2d';
    const known = [...CONV_TRANSPOSE2D_OPTIONS, 'bias', 'generator'] as const;
    const { bias = true, generator, ...rest } = checkOptions(where, options, known);
    positiveInteger(where, 'inChannels', inChannels);
    positiveInteger(where, 'outChannels', outChannels);
    this.#attributes = convTranspose2dAttributes(where, kernelSize, rest);
    const { kernel, groups } = this.#attributes;
    if (inChannels % groups !== 0 || outChannels % groups !== 0) {
      throw new OptionError(
        `[${where}] ${inChannels} and ${outChannels} channels do not both divide into ${groups} groups`,
      );
    }
    // PyTorch counts the second dimension of the weight as its inputs, here too.
    const fanIn = (outChannels / groups) * kernel[0] * kernel[1];
    this.weight = uniformFanIn([inChannels, outChannels / groups, ...kernel], fanIn, generator);
    this.bias = boolean(where, 'bias', bias) ? uniformFanIn([outChannels], fanIn, generator) : null;
  }

  forward(x: SymbolicTensor): SymbolicTensor {
    const { weight, bias } = this;
    const wide = widened(this.#attributes);
    const image = wide ? x.graph.apply(pad2d, [x], {}, wide.pad) : x;
    const attributes = wide?.attributes ?? this.#attributes;
    return x.graph.apply(convTranspose2d, [image], { weight, bias }, attributes, this);
  }
}
