import { OptionError } from '../errors.js';
import type { SymbolicTensor } from '../graph/graph.js';
import { activation, type ActivationAttributes } from '../ops/activation.js';
import { checkOptions, finiteNumber, oneOf, show } from '../options.js';
import { Module } from './module.js';

/** What `new GELU(...)` may be told. */
export interface GELUOptions {
  /** `none` for the normal distribution itself, `tanh` for the usual approximation; default `none`. */
  approximate?: 'none' | 'tanh';
}

/** What `new Hardsigmoid(...)` may be told. */
export interface HardsigmoidOptions {
  /** Up to which x it is 0; default -3. */
  zeroAt?: number;
  /** From which x on it is 1; default 3. Keras 2 has -2.5 and 2.5. */
  oneAt?: number;
}

export function leakyReluAttributes(where: string, negativeSlope: number): ActivationAttributes {
  return { kind: 'leaky_relu', slope: finiteNumber(where, 'negativeSlope', negativeSlope) };
}

export function geluAttributes(where: string, options: GELUOptions | undefined): ActivationAttributes {
  const { approximate = 'none' } = checkOptions(where, options, ['approximate']);
  const tanh = oneOf(where, 'approximate', approximate, ['none', 'tanh']) === 'tanh';
  return { kind: tanh ? 'gelu_tanh' : 'gelu' };
}

export function eluAttributes(where: string, alpha: number): ActivationAttributes {
  return { kind: 'elu', slope: finiteNumber(where, 'alpha', alpha) };
}

export function hardtanhAttributes(where: string, minVal: number, maxVal: number): ActivationAttributes {
  return { kind: 'hardtanh', ...limits(where, ['minVal', minVal], ['maxVal', maxVal]) };
}

export const RELU6: ActivationAttributes = { kind: 'hardtanh', low: 0, high: 6 };
export const HARDSWISH: ActivationAttributes = { kind: 'hardswish', low: -3, high: 3 };

export function hardsigmoidAttributes(
  where: string,
  options: HardsigmoidOptions | undefined,
): ActivationAttributes {
  const { zeroAt = -3, oneAt = 3 } = checkOptions(where, options, ['zeroAt', 'oneAt']);
  finiteNumber(where, 'zeroAt', zeroAt);
  finiteNumber(where, 'oneAt', oneAt);
  return { kind: 'hardsigmoid', ...limits(where, ['zeroAt', zeroAt], ['oneAt', oneAt]) };
}

type Named = readonly [name: string, value: number];

/** Numbers of which the first is below the second, as floats too; they may be infinite. */
function limits(where: string, [lowName, lowest]: Named, [highName, highest]: Named) {
  const isNumber = typeof lowest === 'number' && typeof highest === 'number';
  const [low, high] = [Math.fround(lowest), Math.fround(highest)];
  if (isNumber && low < high) return { low, high };
  throw new OptionError(
    `[${where}] ${lowName} must be a number below ${highName} but they are ${show(lowest)} and ${show(highest)}`,
  );
}

/** What they have in common; not exported. */
abstract class Activation extends Module {
  readonly #attributes: ActivationAttributes;

  constructor(attributes: ActivationAttributes) {
    super();
    this.#attributes = attributes;
  }

  forward(x: SymbolicTensor): SymbolicTensor {
    return x.graph.apply(activation, [x], {}, this.#attributes, this);
  }
}

/** torch.nn.LeakyReLU: x where it is positive, `negativeSlope` times x elsewhere, any shape. */
export class LeakyReLU extends Activation {
  /**
   * Throws `OptionError` for a slope that is not finite.
   * @param negativeSlope default 0.01
   */
  constructor(negativeSlope = 0.01) {
    super(leakyReluAttributes('LeakyReLU', negativeSlope));
  }
}

/** torch.nn.GELU: x times the probability that a standard normal variable is at most x, any shape. */
export class GELU extends Activation {
  /** Throws `OptionError` for another approximation and unknown options. */
  constructor(options?: GELUOptions) {
    super(geluAttributes('GELU', options));
  }
}

/** torch.nn.SiLU: x / (1 + e^-x), any shape. */
export class SiLU extends Activation {
  constructor() {
    super({ kind: 'silu' });
  }
}

/** torch.nn.Sigmoid: 1 / (1 + e^-x), any shape. */
export class Sigmoid extends Activation {
  constructor() {
    super({ kind: 'sigmoid' });
  }
}

/** torch.nn.Tanh: the hyperbolic tangent, any shape. */
export class Tanh extends Activation {
  constructor() {
    super({ kind: 'tanh' });
  }
}

/** torch.nn.ELU: x where it is positive, `alpha` (e^x - 1) elsewhere, precise near 0, any shape. */
export class ELU extends Activation {
  /**
   * Throws `OptionError` for an alpha that is not finite.
   * @param alpha default 1
   */
  constructor(alpha = 1) {
    super(eluAttributes('ELU', alpha));
  }
}

/** torch.nn.Hardtanh: x from `minVal` to `maxVal`, the nearer of the two beyond, any shape. */
export class Hardtanh extends Activation {
  /**
   * Throws `OptionError` where `minVal` is not below `maxVal`; they may be infinite.
   * @param minVal default -1
   * @param maxVal default 1
   */
  constructor(minVal = -1, maxVal = 1) {
    super(hardtanhAttributes('Hardtanh', minVal, maxVal));
  }
}

/** torch.nn.ReLU6: x from 0 to 6, the nearer of the two beyond, any shape. */
export class ReLU6 extends Activation {
  constructor() {
    super(RELU6);
  }
}

/** torch.nn.Hardsigmoid: x / 6 + 1/2 from -3 to 3, 0 below and 1 above, any shape. */
export class Hardsigmoid extends Activation {
  /** Throws `OptionError` for unknown options and where `zeroAt` is not below `oneAt`. */
  constructor(options?: HardsigmoidOptions) {
    super(hardsigmoidAttributes('Hardsigmoid', options));
  }
}

/** torch.nn.Hardswish: x times its Hardsigmoid, any shape. At -3 its derivative is 0, at 3 it is 1. */
export class Hardswish extends Activation {
  constructor() {
    super(HARDSWISH);
  }
}
