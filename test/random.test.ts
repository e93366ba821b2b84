import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OptionError } from '../src/errors.js';
import { defaultGenerator, Generator, type GeneratorState, manualSeed } from '../src/random.js';

const draw = (generator: Generator, n: number) => Array.from({ length: n }, () => generator.uint32());

/** xoshiro128** and its jump in exact integers, as the paper defines them: the oracle for the 32-bit code. */
class Oracle {
  constructor(public s: bigint[]) {}
  next(): number {
    const mask = 0xffffffffn;
    const rotate = (x: bigint, k: bigint) => ((x << k) | (x >> (32n - k))) & mask;
    const [a, b, c, d] = this.s as [bigint, bigint, bigint, bigint];
    const result = (rotate((b * 5n) & mask, 7n) * 9n) & mask;
    const c1 = c ^ a;
    const d1 = d ^ b;
    this.s = [a ^ d1, b ^ c1, c1 ^ ((b << 9n) & mask), rotate(d1, 11n)];
    return Number(result);
  }
}

describe('Generator', () => {
  it('reproduces the published outputs of xoshiro128** 1.1 for the state 1, 2, 3, 4', () => {
    expect(draw(Generator.fromState([1, 2, 3, 4]), 10)).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ]);
  });

  it('agrees with the definition in exact integers from any state', () => {
    const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), (words) => {
        fc.pre(words.some((w) => w !== 0));
        const oracle = new Oracle(words.map(BigInt));
        const generator = Generator.fromState(words as GeneratorState);
        expect(draw(generator, 20)).toEqual(Array.from({ length: 20 }, () => oracle.next()));
        expect(generator.state).toEqual(oracle.s.map(Number));
      }),
    );
  });

  it('seeds through splitmix64, whose first outputs are published', () => {
    // splitmix64 from seed 1234567: 6457827717110365317, 3203168211198807973 (Rosetta Code; Vigna's splitmix64.c).
    const words = [6457827717110365317n, 3203168211198807973n];
    const expected = words.flatMap((word) => [Number(word & 0xffffffffn), Number(word >> 32n)]);
    expect(new Generator(1234567).state).toEqual(expected);
  });

  it('jumps by 2^64 numbers', () => {
    // The transition is linear over GF(2): its 2^64th power, by squaring a 128 x 128 bit matrix 64 times.
    type Matrix = bigint[]; // column j: image of the state with only bit j set
    const pack = (s: readonly number[]) => s.reduce((sum, w, i) => sum | (BigInt(w) << BigInt(32 * i)), 0n);
    const unpack = (x: bigint) => [0, 1, 2, 3].map((i) => Number((x >> BigInt(32 * i)) & 0xffffffffn));
    const apply = (m: Matrix, x: bigint) => {
      let sum = 0n;
      for (let j = 0; x !== 0n; j++, x >>= 1n) if (x & 1n) sum ^= m[j]!;
      return sum;
    };
    let power: Matrix = Array.from({ length: 128 }, (_, j) => {
      const generator = Generator.fromState(unpack(1n << BigInt(j)) as unknown as GeneratorState);
      generator.uint32();
      return pack(generator.state);
    });
    for (let i = 0; i < 64; i++) power = power.map((column) => apply(power, column));

    const generator = new Generator(7);
    const expected = unpack(apply(power, pack(generator.state)));
    generator.jump();
    expect(generator.state).toEqual(expected);
  });

  it('gives a fork the numbers that it would have drawn and goes on elsewhere', () => {
    const parent = new Generator(3);
    const twin = new Generator(3);
    const child = parent.fork();
    expect(draw(child, 5)).toEqual(draw(twin, 5));
    const others = new Set(draw(twin, 10000));
    expect(draw(parent, 1000).filter((x) => others.has(x)).length).toBeLessThan(3);
  });

  it('continues from a state that went through JSON', () => {
    const generator = new Generator(99);
    draw(generator, 17);
    const state = JSON.parse(JSON.stringify(generator.state));
    expect(draw(Generator.fromState(state), 8)).toEqual(draw(generator, 8));
  });

  it('draws floats in [0, 1) with 53 bits, uniformly', () => {
    const generator = new Generator(1);
    const counts = new Float64Array(16);
    const n = 160000;
    let fine = 0;
    for (let i = 0; i < n; i++) {
      const x = generator.float();
      if (!(x >= 0 && x < 1 && Number.isInteger(x * 2 ** 53)))
        expect.fail(`${x} is no multiple of 2^-53 in [0, 1)`);
      if (!Number.isInteger(x * 2 ** 40)) fine++;
      counts[Math.floor(x * 16)]!++;
    }
    // chi-squared with 15 degrees of freedom stays below 37.7 in 999 of 1000 cases
    const chi2 = counts.reduce((sum, count) => sum + (count - n / 16) ** 2 / (n / 16), 0);
    expect(chi2).toBeLessThan(37.7);
    expect(fine / n).toBeGreaterThan(0.99);
    for (let i = 0; i < 1000; i++) {
      const x = generator.uniform(-0.2, 0.2);
      expect(x >= -0.2 && x < 0.2).toBe(true);
    }
  });

  it('draws integers without bias, also for a range that does not divide 2^32', () => {
    const generator = new Generator(2);
    // With plain remainders of 3 * 2^30, numbers below 2^30 would come twice as often as the others.
    const n = 3 * 2 ** 30;
    let low = 0;
    for (let i = 0; i < 30000; i++) if (generator.integer(n) < 2 ** 30) low++;
    expect(Math.abs(low / 30000 - 1 / 3)).toBeLessThan(0.012); // 4 standard deviations of 0.0027
    expect(generator.integer(1)).toBe(0);
  });

  it('makes every permutation of 4 about equally often', () => {
    const generator = new Generator(4);
    const counts = new Map<string, number>();
    for (let i = 0; i < 24000; i++) {
      const key = generator.permutation(4).join('');
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    const chi2 = [...counts.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    expect(chi2).toBeLessThan(49.7); // 23 degrees of freedom, 999 of 1000
  });

  it('shuffles any array in place and keeps its elements', () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    expect(new Generator(5).shuffle(names)).toBe(names);
    expect([...names].sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(new Generator(5).permutation(0)).toHaveLength(0);
  });

  it('gives every seed and stream a sequence of its own', () => {
    const seen = new Set<number>();
    for (let seed = 0; seed < 30; seed++) {
      for (let stream = 0; stream < 30; stream++) seen.add(new Generator(seed, stream).uint32());
    }
    expect(seen.size).toBeGreaterThan(898);
  });

  it.each([-1, 0.5, Number.NaN, 2 ** 53, '1', null])('refuses the seed %s', (seed) => {
    expect(() => new Generator(seed as number)).toThrow(OptionError);
  });

  it.each([[[0, 0, 0, 0]], [[1, 2, 3]], [[1, 2, 3, 2 ** 32]], [[1, 2, 3, 0.5]], ['1234'], [null]])(
    'refuses the state %j and stays as it was',
    (state) => {
      const generator = new Generator(1);
      const before = generator.state;
      expect(() => generator.setState(state as never)).toThrow(OptionError);
      expect(generator.state).toEqual(before);
    },
  );
});

describe('the default generator', () => {
  it('starts from seed 0 and again from the seed it is given', () => {
    expect(defaultGenerator().state).toEqual(new Generator(0).state);
    expect(manualSeed(12)).toBe(defaultGenerator());
    const first = draw(defaultGenerator(), 4);
    manualSeed(12);
    expect(draw(defaultGenerator(), 4)).toEqual(first);
    expect(first).toEqual(draw(new Generator(12), 4));
    expect(() => manualSeed(-1)).toThrow(OptionError);
    manualSeed(0);
  });
});
