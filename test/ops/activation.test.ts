import { describe, expect, it } from 'vitest';
import {
  ELU,
  functional as F,
  GELU,
  Hardsigmoid,
  Hardtanh,
  LeakyReLU,
  OptionError,
} from '../../src/index.node.js';
import { CURVES } from '../reference/activation.js';

type Tensor = F.Tensor;

/** Every 1999th float that there is, infinities and some NaN among them. */
const floats = new Float32Array(
  Uint32Array.from({ length: Math.floor(2 ** 32 / 1999) }, (_, at) => at * 1999).buffer,
);
floats.set([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, Number.NaN]);
// Where some bend, with their neighbours.
floats.set(
  [-3, -2.5, -0.75, 2.5, 3, 6].flatMap((x) => [x * (1 - 2 ** -24), x, x * (1 + 2 ** -23)]),
  5,
);

const x: Tensor = { data: floats, shape: [1, floats.length] };
const ones: Tensor = { data: new Float32Array(floats.length).fill(1), shape: x.shape };

const keras = { zeroAt: -2.5, oneAt: 2.5 };
const tanhGelu = { approximate: 'tanh' } as const;
const OURS: Record<keyof typeof CURVES, readonly [value: () => Tensor, derivative: () => Tensor]> = {
  leakyRelu: [() => F.leakyRelu(x, 0.25), () => F.leakyReluBackward(ones, x, 0.25)],
  gelu: [() => F.gelu(x), () => F.geluBackward(ones, x)],
  geluTanh: [() => F.gelu(x, tanhGelu), () => F.geluBackward(ones, x, tanhGelu)],
  silu: [() => F.silu(x), () => F.siluBackward(ones, x)],
  sigmoid: [() => F.sigmoid(x), () => F.sigmoidBackward(ones, x)],
  tanh: [() => F.tanh(x), () => F.tanhBackward(ones, x)],
  elu: [() => F.elu(x, 1.5), () => F.eluBackward(ones, x, 1.5)],
  relu6: [() => F.relu6(x), () => F.relu6Backward(ones, x)],
  hardtanh: [() => F.hardtanh(x, -0.75, Infinity), () => F.hardtanhBackward(ones, x, -0.75, Infinity)],
  hardsigmoid: [() => F.hardsigmoid(x), () => F.hardsigmoidBackward(ones, x)],
  kerasHardsigmoid: [() => F.hardsigmoid(x, keras), () => F.hardsigmoidBackward(ones, x, keras)],
  hardswish: [() => F.hardswish(x), () => F.hardswishBackward(ones, x)],
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
  elu: () => 3,
  relu6: () => 0,
  hardtanh: () => 0,
  // The rounding of x + 3, in units of the result.
  hardsigmoid: () => 2,
  kerasHardsigmoid: () => 2,
  hardswish: () => 3,
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

describe('signs and infinities', () => {
  const of = (...values: number[]): Tensor => ({
    data: Float32Array.from(values),
    shape: [1, values.length],
  });

  it('of zero stay, as in PyTorch', () => {
    for (const f of [F.elu, F.relu6, F.hardtanh, F.hardswish]) {
      expect([...f(of(-0, 0)).data], f.name).toEqual([-0, 0]);
    }
  });

  it('of a gradient end where a value is cut off', () => {
    const gradients = of(Infinity, -Infinity, Infinity);
    expect([...F.relu6Backward(gradients, of(0, 6, 1)).data]).toEqual([0, 0, Infinity]);
    expect([...F.hardsigmoidBackward(gradients, of(-3, 3, 1)).data]).toEqual([0, 0, Infinity]);
    expect([...F.hardswishBackward(gradients, of(-3, 3, 1)).data]).toEqual([0, -Infinity, Infinity]);
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
    expect(() => new ELU(Infinity)).toThrow(
      new OptionError('[ELU] alpha must be a finite number but is Infinity'),
    );
    expect(() => new Hardtanh(1, 1)).toThrow(
      new OptionError('[Hardtanh] minVal must be a number below maxVal but they are 1 and 1'),
    );
    expect(() => F.hardtanh(x, '0' as unknown as number)).toThrow(
      new OptionError('[hardtanh] minVal must be a number below maxVal but they are "0" and 1'),
    );
    expect(() => new Hardsigmoid({ zeroAt: 4 })).toThrow(
      new OptionError('[Hardsigmoid] zeroAt must be a number below oneAt but they are 4 and 3'),
    );
    expect(() => new Hardsigmoid({ oneAt: Infinity })).toThrow(
      new OptionError('[Hardsigmoid] oneAt must be a finite number but is Infinity'),
    );
  });
});
