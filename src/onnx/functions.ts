import {
  ELU,
  GELU,
  Hardsigmoid,
  Hardswish,
  Hardtanh,
  LeakyReLU,
  ReLU6,
  Sigmoid,
  SiLU,
  Tanh,
} from '../nn/activation.js';
import type { Module } from '../nn/module.js';
import { ReLU } from '../nn/relu.js';

// Which activation a chain of arithmetic is: older files write GELU as five nodes, SiLU as two, in any order and with
// constants of float32. Two functions that give the same for every number here are the same to the last float or two.

/** Beyond where anybody clips: files of float16 do so at 65504. */
const FAR = 1e9;

/** Steps of 1/4 where activations bend, and numbers far from there. */
export const GRID: Float64Array = Float64Array.from([
  ...[-FAR, -1e6, -1000, -100],
  ...Array.from({ length: 241 }, (_, at) => (at - 120) / 4),
  ...[100, 1000, 1e6, FAR],
]);

/** Constants of float32 several of which are multiplied. */
const NEAR = 5e-6;

const isNear = (a: number, b: number) => Math.abs(a - b) <= NEAR * Math.max(1, Math.abs(b));

/** Abramowitz and Stegun, 7.1.26: within 1.5e-7, thirty times closer than what is told apart. */
export function erf(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const polynomial =
    t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return Math.sign(x) * (1 - polynomial * Math.exp(-x * x));
}

export const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
export const clip = (x: number, low: number, high: number): number => Math.min(high, Math.max(low, x));
export const elu = (x: number, alpha: number): number => (x < 0 ? alpha * Math.expm1(x) : x);
export const hardSigmoid = (x: number, alpha: number, beta: number): number => clip(alpha * x + beta, 0, 1);
export const hardSwish = (x: number): number => x * hardSigmoid(x, 1 / 6, 1 / 2);

const ACTIVATIONS: readonly [f: (x: number) => number, make: () => Module][] = [
  [(x) => Math.max(0, x), () => new ReLU()],
  [(x) => (x * (1 + erf(x / Math.SQRT2))) / 2, () => new GELU()],
  [
    (x) => (x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))) / 2,
    () => new GELU({ approximate: 'tanh' }),
  ],
  [(x) => x * sigmoid(x), () => new SiLU()],
  [sigmoid, () => new Sigmoid()],
  [Math.tanh, () => new Tanh()],
  [hardSwish, () => new Hardswish()],
  [(x) => clip(x, 0, 6), () => new ReLU6()],
];

/** What a function is: x scale + shift, or an activation. */
export type Known = { readonly scale: number; readonly shift: number } | { readonly make: () => Module };

const agree = (samples: Float64Array, f: (x: number) => number) =>
  samples.every((value, at) => isNear(value, f(GRID[at]!)));

/** What gives `samples` on the grid; undefined where Twill has no op for it. */
export function recognise(samples: Float64Array): Known | undefined {
  const at = (x: number) => samples[GRID.indexOf(x)]!;
  const shift = at(0);
  const scale = at(1) - shift;
  if (
    samples.every((value, i) => Math.abs(value - (scale * GRID[i]! + shift)) <= NEAR * span(scale, shift, i))
  ) {
    return { scale, shift };
  }
  for (const [f, make] of ACTIVATIONS) if (agree(samples, f)) return { make };
  for (const family of FAMILIES) {
    const found = family(at);
    if (found && agree(samples, found.f)) return found;
  }
  return undefined;
}

interface Family {
  readonly f: (x: number) => number;
  readonly make: () => Module;
}

/** Activations with numbers of their own, which are read off the grid. */
const FAMILIES: readonly ((at: (x: number) => number) => Family | undefined)[] = [
  (at) => {
    const slope = -at(-1);
    return { f: (x) => (x < 0 ? slope * x : x), make: () => new LeakyReLU(slope) };
  },
  (at) => {
    const alpha = -at(-FAR);
    return { f: (x) => elu(x, alpha), make: () => new ELU(alpha) };
  },
  (at) => {
    const [low, high] = [at(-FAR), at(FAR)];
    if (!isWide(low, high)) return undefined;
    const open = (limit: number) => (Math.abs(limit) >= FAR ? Math.sign(limit) * Infinity : limit);
    return { f: (x) => clip(x, low, high), make: () => new Hardtanh(open(low), open(high)) };
  },
  (at) => {
    const beta = at(0);
    const alpha = 4 * (at(0.25) - beta);
    if (!isWide(-beta / alpha, (1 - beta) / alpha)) return undefined;
    return { f: (x) => hardSigmoid(x, alpha, beta), make: () => makeHardsigmoid(alpha, beta) };
  },
];

/** Whether enough of the grid is between two limits to see what becomes of it. */
const isWide = (low: number, high: number) => GRID.filter((x) => low < x && x < high).length >= 2;

/** Of the numbers that a HardSigmoid has; 1/6 and 0.2 of float32 give limits of 3 and 2.5. */
export function makeHardsigmoid(alpha: number, beta: number): Module {
  const [zeroAt, oneAt] = [Math.fround(-beta / alpha), Math.fround((1 - beta) / alpha)];
  return new Hardsigmoid({ zeroAt, oneAt });
}

/** How large what is added there is: a sum is as exact as its parts. */
const span = (scale: number, shift: number, at: number) => Math.abs(scale * GRID[at]!) + Math.abs(shift);
