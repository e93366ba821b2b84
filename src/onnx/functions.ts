import { GELU, LeakyReLU, Sigmoid, SiLU, Tanh } from '../nn/activation.js';
import type { Module } from '../nn/module.js';
import { ReLU } from '../nn/relu.js';

// Which activation a chain of arithmetic is: older files write GELU as five nodes, SiLU as two, in any order and with
// constants of float32. Two functions that give the same for every number here are the same to the last float or two.

/** Steps of 1/4 where activations bend, and numbers far from there. */
export const GRID: Float64Array = Float64Array.from([
  ...[-1000, -100],
  ...Array.from({ length: 241 }, (_, at) => (at - 120) / 4),
  ...[100, 1000],
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
const clip = (x: number, low: number, high: number) => Math.min(high, Math.max(low, x));
const hardSigmoid = (x: number) => clip(x + 3, 0, 6) / 6;

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
];

/** Those that a person would look for, for an error to name. */
const OTHERS: readonly [f: (x: number) => number, name: string][] = [
  [(x) => clip(x, 0, 6), 'ReLU6'],
  [(x) => clip(x, -1, 1), 'Hardtanh'],
  [(x) => x * hardSigmoid(x), 'Hardswish'],
  [hardSigmoid, 'Hardsigmoid'],
  [(x) => clip(0.2 * x + 0.5, 0, 1), "Keras' hard sigmoid"],
  [(x) => x * sigmoid(1.702 * x), 'GELU approximated by a sigmoid'],
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
  const slope = -at(-1);
  for (const [f, make] of ACTIVATIONS) if (agree(samples, f)) return { make };
  return agree(samples, (x) => (x < 0 ? slope * x : x)) ? { make: () => new LeakyReLU(slope) } : undefined;
}

/** How large what is added there is: a sum is as exact as its parts. */
const span = (scale: number, shift: number, at: number) => Math.abs(scale * GRID[at]!) + Math.abs(shift);

/** The name of a function that Twill has no op for. */
export const nameOf = (samples: Float64Array): string | undefined =>
  OTHERS.find(([f]) => agree(samples, f))?.[1];
