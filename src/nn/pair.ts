import { OptionError } from '../errors.js';
import { integerBetween, show } from '../options.js';

/** One size for height and width, or one each. */
export type Size2d = number | readonly [height: number, width: number];

/** Largest size that an option may name: kernels count in 32 bits. */
export const LARGEST = 2 ** 31 - 1;

/** Expands a size to height and width. Throws `OptionError` unless both are whole numbers of at least `low`. */
export function pair(where: string, name: string, value: Size2d, low: number): readonly [number, number] {
  if (Array.isArray(value) && value.length !== 2) {
    throw new OptionError(`[${where}] ${name} must be one number or [height, width] but is ${show(value)}`);
  }
  const [height, width] = (Array.isArray(value) ? value : [value, value]) as [number, number];
  return [
    integerBetween(where, name, height, low, LARGEST),
    integerBetween(where, name, width, low, LARGEST),
  ];
}
