import { functional as F } from '../../src/index.node.js';
import type { Tensor } from '../../src/nn/functional.js';

export type Activation = 'leakyRelu' | 'gelu' | 'silu' | 'sigmoid' | 'tanh';

interface Attributes {
  readonly kind: Activation;
  /** What the function takes beside the tensor. */
  readonly options?: never;
}

/** What a golden case of an activation asks for, under the names of its outputs. */
export function activation(
  { x, gy }: Readonly<Record<string, Tensor | undefined>>,
  { kind, options }: Attributes,
): Record<string, Tensor> {
  const value: (x: Tensor, options?: never) => Tensor = F[kind];
  const gradient: (gradOutput: Tensor, x: Tensor, options?: never) => Tensor = F[`${kind}Backward`];
  return { y: value(x!, options), g_x: gradient(gy!, x!, options) };
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

export const CURVES: Readonly<Record<Activation | 'geluTanh', Curve>> = {
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
};

const INNER = 2 * Math.sqrt(2 / Math.PI);
