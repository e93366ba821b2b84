import { OptionError } from './errors.js';
import { integerBetween, nonNegativeInteger, show } from './options.js';

/** The four words of a generator, uint32 and not all zero: JSON can carry it. */
export type GeneratorState = readonly [number, number, number, number];

const MASK64 = (1n << 64n) - 1n;
const GAMMA = 0x9e3779b97f4a7c15n;

/** The finaliser of splitmix64 (Steele, Lea and Flood 2014; constants of Vigna's splitmix64.c, public domain). */
function mix64(value: bigint): bigint {
  let z = value & MASK64;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK64;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK64;
  return z ^ (z >> 31n);
}

/**
 * Two outputs of splitmix64, low word first. splitmix64 is a bijection of a counter, so the two outputs differ and
 * the state is never all zero.
 */
function seedState(seed: bigint): [number, number, number, number] {
  const first = mix64(seed + GAMMA);
  const second = mix64(seed + 2n * GAMMA);
  const low = (word: bigint) => Number(word & 0xffffffffn);
  const high = (word: bigint) => Number(word >> 32n);
  return [low(first), high(first), low(second), high(second)];
}

/** The jump polynomial of xoshiro128**: advances by 2^64 numbers. */
const JUMP = [0x8764000b, 0xf542d2d3, 0x6fa035c3, 0x77f2db5b];

/**
 * A seeded pseudo-random generator: xoshiro128** 1.1 by Blackman and Vigna ("Scrambled linear pseudorandom number
 * generators", ACM TOMS 47, 2021; https://prng.di.unimi.it/xoshiro128starstar.c), period 2^128 - 1, seeded by
 * splitmix64. Every random number in Twill comes from one of these; the same seed gives the same numbers on every
 * machine. Not for secrets.
 */
export class Generator {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /**
   * @param seed a whole number from 0 to 2^53 - 1; default 0
   * @param stream picks one of 2^53 sequences for a seed (an epoch's, a worker's); default 0
   * @throws OptionError for any other value
   */
  constructor(seed = 0, stream = 0) {
    const start = BigInt(nonNegativeInteger('Generator', 'seed', seed));
    nonNegativeInteger('Generator', 'stream', stream);
    // Stream 0 is plain splitmix64 seeding, as other implementations do it. The others start from a hash of both
    // numbers: adding the stream to the seed would make (seed 0, stream 1) the same sequence as (seed 1, stream 0).
    const origin = stream === 0 ? start : mix64(mix64(start + GAMMA) + BigInt(stream));
    [this.#a, this.#b, this.#c, this.#d] = seedState(origin);
  }

  /** A generator that continues from `state`. */
  static fromState(state: GeneratorState): Generator {
    const generator = new Generator();
    generator.setState(state);
    return generator;
  }

  /** A whole number from 0 to 2^32 - 1. */
  uint32(): number {
    const b = this.#b;
    const times5 = Math.imul(b, 5);
    const result = Math.imul((times5 << 7) | (times5 >>> 25), 9);
    const shifted = b << 9;
    this.#c ^= this.#a;
    this.#d ^= b;
    this.#b = b ^ this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result >>> 0;
  }

  /** A multiple of 2^-53 in [0, 1), from two draws: 27 high bits of the first, 26 of the second. */
  float(): number {
    const high = this.uint32() >>> 5;
    const low = this.uint32() >>> 6;
    return (high * 0x4000000 + low) / 0x20000000000000;
  }

  /** A number in [low, high), in double precision (storing it as a float32 may round up to `high`). */
  uniform(low: number, high: number): number {
    return low + (high - low) * this.float();
  }

  /** A whole number from 0 to n - 1, each exactly as likely as the others; 1 <= n <= 2^32. */
  integer(n: number): number {
    integerBetween('Generator.integer', 'n', n, 1, 2 ** 32);
    return this.#below(n);
  }

  #below(n: number): number {
    // 2^32 mod n numbers at the top have no full set of remainders: draw again (less than one draw wasted on average).
    const limit = 2 ** 32 - (2 ** 32 % n);
    let draw = this.uint32();
    while (draw >= limit) draw = this.uint32();
    return draw % n;
  }

  /** Puts the elements of `array` in a random order, in place (Fisher-Yates), and returns it. */
  shuffle<T extends Record<number, unknown> & Pick<ArrayLike<unknown>, 'length'>>(array: T): T {
    for (let i = array.length - 1; i > 0; i--) {
      const j = this.#below(i + 1);
      const kept = array[i];
      array[i] = array[j];
      array[j] = kept;
    }
    return array;
  }

  /** The numbers 0 to n - 1 in a random order. */
  permutation(n: number): Uint32Array {
    const order = new Uint32Array(integerBetween('Generator.permutation', 'n', n, 0, 2 ** 32 - 1));
    for (let i = 0; i < n; i++) order[i] = i;
    return this.shuffle(order);
  }

  /** Skips 2^64 numbers. */
  jump(): void {
    let [a, b, c, d] = [0, 0, 0, 0];
    for (const word of JUMP) {
      for (let bit = 0; bit < 32; bit++) {
        if ((word >>> bit) & 1) {
          a ^= this.#a;
          b ^= this.#b;
          c ^= this.#c;
          d ^= this.#d;
        }
        this.uint32();
      }
    }
    [this.#a, this.#b, this.#c, this.#d] = [a, b, c, d];
  }

  /**
   * A generator of its own for somebody else: it takes the next 2^64 numbers and this one goes on behind them, so
   * the two never overlap.
   */
  fork(): Generator {
    const child = Generator.fromState(this.state);
    this.jump();
    return child;
  }

  /** Where the sequence stands; `setState` continues from there. */
  get state(): GeneratorState {
    return [this.#a >>> 0, this.#b >>> 0, this.#c >>> 0, this.#d >>> 0];
  }

  /** @throws OptionError when `state` is not four uint32 with at least one that is not zero */
  setState(state: GeneratorState): void {
    if (!isState(state)) {
      throw new OptionError(
        `[Generator] a state is four whole numbers from 0 to ${2 ** 32 - 1}, not all zero, but is ${show(state)}`,
      );
    }
    [this.#a, this.#b, this.#c, this.#d] = state;
  }
}

function isState(state: unknown): state is GeneratorState {
  const isWord = (word: unknown) =>
    typeof word === 'number' && Number.isInteger(word) && word >= 0 && word < 2 ** 32;
  return (
    Array.isArray(state) && state.length === 4 && state.every(isWord) && state.some((word) => word !== 0)
  );
}

const shared = new Generator(0);

/** The generator that initialisation draws from when none is given; it starts from seed 0 in every process. */
export function defaultGenerator(): Generator {
  return shared;
}

/** Starts the default generator anew from `seed` (0 to 2^53 - 1), as PyTorch's `manual_seed` does; returns it. */
export function manualSeed(seed: number): Generator {
  shared.setState(new Generator(seed).state);
  return shared;
}
