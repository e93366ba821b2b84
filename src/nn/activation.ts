import type { SymbolicTensor } from '../graph/graph.js';
import { activation, type ActivationAttributes } from '../ops/activation.js';
import { checkOptions, finiteNumber, oneOf } from '../options.js';
import { Module } from './module.js';

/** What `new GELU(...)` may be told. */
export interface GELUOptions {
  /** `none` for the normal distribution itself, `tanh` for the usual approximation; default `none`. */
  approximate?: 'none' | 'tanh';
}

export function leakyReluAttributes(where: string, negativeSlope: number): ActivationAttributes {
  return { kind: 'leaky_relu', slope: finiteNumber(where, 'negativeSlope', negativeSlope) };
}

export function geluAttributes(where: string, options: GELUOptions | undefined): ActivationAttributes {
  const { approximate = 'none' } = checkOptions(where, options, ['approximate']);
  const tanh = oneOf(where, 'approximate', approximate, ['none', 'tanh']) === 'tanh';
  return { kind: tanh ? 'gelu_tanh' : 'gelu' };
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
