import { OptionError } from '../errors.js';
import type { SymbolicTensor } from '../graph/graph.js';
import { type Pad2dAttributes, type PadMode, pad2d } from '../ops/pad2d.js';
import { finiteNumber, integerBetween, show } from '../options.js';
import { Module } from './module.js';
import { LARGEST } from './pair.js';

/** Pixels on every side, or at each; negative ones crop. */
export type Padding2d = number | readonly [left: number, right: number, top: number, bottom: number];

/** Checks and expands a padding. */
export function padding2d(where: string, padding: Padding2d): Pad2dAttributes['padding'] {
  if (Array.isArray(padding) && padding.length !== 4) {
    throw new OptionError(
      `[${where}] padding must be one number or [left, right, top, bottom] but is ${show(padding)}`,
    );
  }
  const sides = (Array.isArray(padding) ? padding : [padding, padding, padding, padding]) as number[];
  const checked = sides.map((side) => integerBetween(where, 'padding', side, -LARGEST, LARGEST));
  return checked as [number, number, number, number];
}

/** What all of them have; not exported. */
abstract class Pad2d extends Module {
  readonly #attributes: Pad2dAttributes;

  constructor(where: string, padding: Padding2d, mode: PadMode, value = 0) {
    super();
    this.#attributes = {
      padding: padding2d(where, padding),
      mode,
      value: finiteNumber(where, 'value', value),
    };
  }

  forward(x: SymbolicTensor): SymbolicTensor {
    return x.graph.apply(pad2d, [x], {}, this.#attributes, this);
  }
}

/** torch.nn.ZeroPad2d: zeros around [C, H, W]. */
export class ZeroPad2d extends Pad2d {
  /** Throws `OptionError` for a padding that is not whole. */
  constructor(padding: Padding2d) {
    super('ZeroPad2d', padding, 'constant');
  }
}

/** torch.nn.ConstantPad2d: a constant around [C, H, W]. */
export class ConstantPad2d extends Pad2d {
  /** Throws `OptionError` for a padding that is not whole, and a value that is not finite. */
  constructor(padding: Padding2d, value: number) {
    super('ConstantPad2d', padding, 'constant', value);
  }
}

/** torch.nn.ReflectionPad2d: the mirror image of [C, H, W] around it, the outermost pixels being the mirrors. */
export class ReflectionPad2d extends Pad2d {
  /** Throws `OptionError` for a padding that is not whole. */
  constructor(padding: Padding2d) {
    super('ReflectionPad2d', padding, 'reflect');
  }
}

/** torch.nn.ReplicationPad2d: the outermost pixels of [C, H, W], again and again around it. */
export class ReplicationPad2d extends Pad2d {
  /** Throws `OptionError` for a padding that is not whole. */
  constructor(padding: Padding2d) {
    super('ReplicationPad2d', padding, 'replicate');
  }
}
