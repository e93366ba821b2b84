import { describe, expect, it } from 'vitest';
import { functional as F, GELU, LeakyReLU, OptionError } from '../../src/index.node.js';
import { CURVES } from '../reference/activation.js';

type Tensor = F.Tensor;

/** Every 1999th float that there is, infinities and some NaN among them. */
const floats = new Float32Array(
  Uint32Array.from({ length: Math.floor(2 ** 32 / 1999) }, (_, at) => at * 1999).buffer,
);
floats.set([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, Number.NaN]);

const x: Tensor = { data: floats, shape: [1, floats.length] };
const ones: Tensor = { data: new Float32Array(floats.length).fill(1), shape: x.shape };

const tanhGelu = { approximate: 'tanh' } as const;
const OURS: Record<keyof typeof CURVES, readonly [value: () => Tensor, derivative: () => Tensor]> = {
  leakyRelu: [() => F.leakyRelu(x, 0.25), () => F.leakyReluBackward(ones, x, 0.25)],
  gelu: [() => F.gelu(x), () => F.geluBackward(ones, x)],
  geluTanh: [() => F.gelu(x, tanhGelu), () => F.geluBackward(ones, x, tanhGelu)],
  silu: [() => F.silu(x), () => F.siluBackward(ones, x)],
  sigmoid: [() => F.sigmoid(x), () => F.sigmoidBackward(ones, x)],
  tanh: [() => F.tanh(x), () => F.tanhBackward(ones, x)],
};

/** Units of 2^-23 that a value may be off, relatively. */
const UNITS: Record<keyof typeof CURVES, (x: number) => number> = {
  leakyRelu: () => 0.5,
  gelu: () => 12,
  // An exponential of a rounded number, up to 88, is in its tail.
  geluTanh: (x) => 4 + 2 * Math.min(88, Math.abs(x) + Math.abs(x) ** 3 / 20),
  silu: () => 4,
  sigmoid: () => 3,
  tanh: () => 3,
};

/** Where the float64 result is NaN (-Infinity times a probability of 0), so is PyTorch's. */
function largestError(
  ours: Float32Array,
  theirs: (x: number) => number,
  scale: (y: number, x: number) => number,
) {
  let [worst, where] = [0, 0];
  for (let at = 0; at < floats.length; at++) {
    const value = theirs(floats[at]!);
    const error =
      Object.is(ours[at], Math.fround(value)) || (ours[at] === 0 && Math.fround(value) === 0)
        ? 0
        : Math.abs(ours[at]! - value) / scale(value, floats[at]!);
    if (!(error <= worst)) [worst, where] = [Number.isNaN(error) ? Number.POSITIVE_INFINITY : error, at];
  }
  return { worst, x: floats[where], ours: ours[where], theirs: theirs(floats[where]!) };
}

describe.each(Object.keys(CURVES) as (keyof typeof CURVES)[])('%s over all floats', (kind) => {
  const [value, derivative] = OURS[kind];

  it('is as precise as said, for denormals, infinities and NaN too', () => {
    // A denormal probability has few digits, and x multiplies what they leave out.
    const scale = (y: number, x: number) => UNITS[kind](x) * 2 ** -23 * Math.abs(y) + 1e-43;
    const error = largestError(value().data, CURVES[kind].value, scale);
    expect(error.worst, JSON.stringify(error)).toBeLessThanOrEqual(1);
  });

  it('has a derivative to 1e-6', () => {
    const error = largestError(derivative().data, CURVES[kind].derivative, () => 1e-6);
    expect(error.worst, JSON.stringify(error)).toBeLessThanOrEqual(1);
  });
});

describe('options of activations', () => {
  it('are refused by name', () => {
    expect(() => new LeakyReLU(Number.NaN)).toThrow(
      new OptionError('[LeakyReLU] negativeSlope must be a finite number but is NaN'),
    );
    expect(() => new GELU({ approximate: 'erf' as 'tanh' })).toThrow(
      new OptionError(`[GELU] approximate must be one of 'none', 'tanh' but is "erf"`),
    );
  });
});
