import { expect } from 'vitest';
import type { Sums } from './reference.js';

/** Half the distance from 1 to the next float32. */
const EPS = 2 ** -24;

/**
 * Holds a float32 sum to its float64 twin: |ours - theirs| <= c * terms * eps * sum|terms|, the bound for summing in
 * any order (Higham, Accuracy and Stability of Numerical Algorithms, 4.2), with c = 2 for the products' rounding.
 */
export function expectSums(ours: Float32Array, { values, magnitudes, terms }: Sums, what: string): void {
  expect(ours.length, `${what}: number of values`).toBe(values.length);
  let worst = 0;
  let where = -1;
  values.forEach((value, index) => {
    const bound = 2 * (terms + 1) * EPS * magnitudes[index]! + 1e-37;
    const excess = Math.abs(ours[index]! - value) / bound;
    if (!(excess <= worst)) {
      worst = Number.isNaN(excess) ? Number.POSITIVE_INFINITY : excess;
      where = index;
    }
  });
  const detail = where < 0 ? '' : ` at ${where}: ${ours[where]} against ${values[where]}`;
  expect(worst, `${what}: error in units of the bound${detail}`).toBeLessThanOrEqual(1);
}

/** Holds values to others within an absolute bound. */
export function expectWithin(
  ours: ArrayLike<number>,
  theirs: ArrayLike<number>,
  bound: number,
  what: string,
): void {
  expect(ours.length, `${what}: number of values`).toBe(theirs.length);
  let worst = 0;
  for (let index = 0; index < theirs.length; index++) {
    const distance = Math.abs(ours[index]! - theirs[index]!);
    worst = Math.max(worst, Number.isNaN(distance) ? Number.POSITIVE_INFINITY : distance);
  }
  expect(worst, `${what}: largest distance (bound ${bound})`).toBeLessThanOrEqual(bound);
}
