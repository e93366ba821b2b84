import { functional as F } from '../../src/index.node.js';
import type { Tensor } from '../../src/nn/functional.js';

type Smooth = 'leakyRelu' | 'gelu' | 'silu' | 'sigmoid' | 'tanh' | 'elu';
type CutOff = 'relu6' | 'hardtanh' | 'hardsigmoid' | 'hardswish';
export type Activation = Smooth | CutOff;

interface Attributes {
  readonly kind: Activation;
  /** What the function takes beside the tensor. */
  readonly options?: unknown;
}

/** What a golden case of an activation asks for, under the names of its outputs. */
export function activation(
  { x, gy }: Readonly<Record<string, Tensor | undefined>>,
  { kind, options }: Attributes,
): Record<string, Tensor> {
  const value = F[kind] as (x: Tensor, ...options: unknown[]) => Tensor;
  const gradient = F[`${kind}Backward`] as (gradOutput: Tensor, x: Tensor, ...options: unknown[]) => Tensor;
  const rest = Array.isArray(options) ? options : [options];
  return { y: value(x!, ...rest), g_x: gradient(gy!, x!, ...rest) };
}

const density = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);

/** The probability that a standard normal variable is at most x, with relative precision in both tails. */
export function normalProbability(x: number): number {
  const t = Math.abs(x);
  let tail: number;
  if (t < 2) {
    // 1/2 - density (t + t^3 / 3 + t^5 / (3 5) + ...)
    let [term, sum] = [t, t];
    for (let k = 3; Math.abs(term) > 1e-18; k += 2) sum += term *= (t * t) / k;
    tail = 0.5 - density(t) * sum;
  } else {
    // density / (t + 1 / (t + 2 / (t + ...)))
    let fraction = t;
    for (let k = 120; k > 0; k--) fraction = t + k / fraction;
    tail = density(t) / fraction;
  }
  return x < 0 ? tail : 1 - tail;
}

/** An activation and its derivative in float64. */
export interface Curve {
  value(x: number): number;
  derivative(x: number): number;
}

const sigmoid = (x: number) => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)));
const sigmoidSlope = (x: number) => sigmoid(x) * sigmoid(-x);

/** NaN stays, also where PyTorch's vectorised code gives it no gradient. */
const clip = (x: number, low: number, high: number) => (x < low ? low : x > high ? high : x);
/** Clipped to an interval, and scaled to 0 to 1 there. */
const clipped = (low: number, high: number): Curve => ({
  value: (x) => clip(x, low, high),
  derivative: (x) => (x <= low || x >= high ? 0 : 1),
});
const ramp = (zeroAt: number, oneAt: number): Curve => ({
  value: (x) => (clip(x, zeroAt, oneAt) - zeroAt) / (oneAt - zeroAt),
  derivative: (x) => clipped(zeroAt, oneAt).derivative(x) / (oneAt - zeroAt),
});

export const CURVES: Readonly<Record<Activation | 'geluTanh' | 'kerasHardsigmoid', Curve>> = {
  leakyRelu: { value: (x) => (x > 0 ? x : 0.25 * x), derivative: (x) => (x > 0 ? 1 : 0.25) },
  gelu: {
    value: (x) => x * normalProbability(x),
    derivative: (x) => normalProbability(x) + x * density(x),
  },
  geluTanh: {
    value: (x) => x * sigmoid(INNER * (x + 0.044715 * x ** 3)),
    derivative(x) {
      // The limit, where PyTorch multiplies 0 by infinity.
      if (Math.abs(x) > 100) return x < 0 ? 0 : 1;
      const inner = INNER * (x + 0.044715 * x ** 3);
      return sigmoid(inner) + x * sigmoidSlope(inner) * INNER * (1 + 3 * 0.044715 * x * x);
    },
  },
  silu: { value: (x) => x * sigmoid(x), derivative: (x) => sigmoid(x) + x * sigmoidSlope(x) },
  sigmoid: { value: sigmoid, derivative: sigmoidSlope },
  tanh: { value: Math.tanh, derivative: (x) => 1 - Math.tanh(x) ** 2 },
  elu: {
    value: (x) => (x > 0 ? x : 1.5 * Math.expm1(x)),
    derivative: (x) => (x > 0 ? 1 : 1.5 * Math.exp(x)),
  },
  relu6: clipped(0, 6),
  hardtanh: clipped(-0.75, Number.POSITIVE_INFINITY),
  hardsigmoid: ramp(-3, 3),
  kerasHardsigmoid: ramp(-2.5, 2.5),
  hardswish: {
    value: (x) => x * ramp(-3, 3).value(x),
    // At the kinks as PyTorch from 2.8 on has it: those of the lines beyond.
    derivative: (x) => (x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5),
  },
};

const INNER = 2 * Math.sqrt(2 / Math.PI);
