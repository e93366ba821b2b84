import fc from 'fast-check';
import type { functional as F } from '../../src/index.node.js';
import { type Generator } from '../../src/index.node.js';
import { isDepthwise } from '../../src/ops/conv2d_kernels.js';
import { poolOutput } from '../../src/ops/max_pool2d.js';
import { type Conv2dShape, outputSize, type PoolShape } from '../reference/reference.js';

// What the properties draw: shapes at and beyond every edge that a kernel has, and arrays as users hold them.

/** Cases a property draws: some dozens in `npm test`, thousands in `npm run test:nightly`. */
const RUNS = Number(process.env.TWILL_TEST_RUNS ?? 50);

/** Holds `property`; a failure prints the seed and the path that draw its case again, `fc.assert(.., { seed, path })`. */
export function hold<Drawn>(property: fc.IProperty<Drawn>, share = 1): void {
  fc.assert(property, { numRuns: Math.ceil(RUNS * share) });
}

/** Products of the largest case: the reference takes some 20 ns for each. */
const MOST_PRODUCTS = 1e6;

const size2d = (low: number, high: number) =>
  fc.tuple(fc.integer({ min: low, max: high }), fc.integer({ min: low, max: high }));

/** Mostly `usual`, now and then what few think of. */
const seldom = <T>(usual: fc.Arbitrary<T>, unusual: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 5, arbitrary: usual }, { weight: 1, arbitrary: unusual });

/** Channel counts around every vector width and block of registers. */
export const channels = fc.oneof(
  fc.integer({ min: 1, max: 9 }),
  fc.constantFrom(12, 15, 16, 17, 20, 24, 31, 32, 33, 40, 47, 48, 49, 63, 64, 65, 70),
);

export const batch = fc.constantFrom(0, 1, 1, 2, 2, 3, 5);

export interface Conv2dCase extends Conv2dShape {
  readonly bias: boolean;
  readonly relu: boolean;
}

/** Convolutions: one-pixel images, kernels larger than the image, strides larger than the kernel, groups, dilation. */
export const conv2dCase: fc.Arbitrary<Conv2dCase> = fc
  .record({
    N: batch,
    groups: fc.constantFrom(1, 1, 1, 2, 3, 'depthwise' as const, 'multiplied' as const),
    ICG: channels,
    OCG: channels,
    image: seldom(size2d(1, 16), fc.constantFrom<[number, number]>([1, 1], [1, 33], [29, 2], [28, 28])),
    kernel: seldom(size2d(1, 5), fc.constantFrom<[number, number]>([7, 7], [11, 1], [1, 9], [6, 11])),
    stride: seldom(size2d(1, 2), size2d(1, 7)),
    padding: seldom<'same' | [number, number]>(fc.constant('same'), size2d(0, 6)),
    dilation: seldom(fc.constant<[number, number]>([1, 1]), size2d(1, 3)),
    bias: fc.boolean(),
    relu: fc.boolean(),
  })
  .map(({ groups: kind, ICG, OCG, image, kernel, padding, ...rest }): Conv2dCase => {
    const [IH, IW] = image;
    const [KH, KW] = kernel;
    const depthwise = kind === 'depthwise' || kind === 'multiplied';
    const groups = depthwise ? ICG : kind;
    return {
      ...rest,
      groups,
      IC: depthwise ? ICG : ICG * groups,
      OC: depthwise ? ICG * (kind === 'multiplied' ? 2 : 1) : OCG * groups,
      IH,
      IW,
      KH,
      KW,
      padding: padding === 'same' ? [Math.floor(KH / 2), Math.floor(KW / 2)] : padding,
    };
  })
  .filter((shape) => outputSize(shape).every((size) => size >= 1) && products(shape) <= MOST_PRODUCTS);

/** Convolutions that can be filtered minimally. */
export const winogradCase: fc.Arbitrary<Conv2dCase> = fc
  .record({
    N: batch,
    IC: channels,
    OC: channels,
    IH: fc.integer({ min: 1, max: 16 }),
    IW: fc.integer({ min: 1, max: 16 }),
    padding: size2d(0, 2),
    bias: fc.boolean(),
    relu: fc.boolean(),
  })
  .map((shape): Conv2dCase => {
    return { ...shape, KH: 3, KW: 3, stride: [1, 1], dilation: [1, 1], groups: 1 };
  })
  .filter((shape) => outputSize(shape).every((size) => size >= 1) && products(shape) <= MOST_PRODUCTS / 4);

function products(shape: Conv2dShape): number {
  const [OH, OW] = outputSize(shape);
  return (shape.N * shape.OC * OH * OW * shape.IC * shape.KH * shape.KW) / shape.groups;
}

/** A convolution with a max-pool that fusion folds into it: into any but depthwise ones. */
export const conv2dPoolCase: fc.Arbitrary<Conv2dCase & { readonly pool: readonly [number, number] }> = fc
  .tuple(
    conv2dCase,
    seldom(fc.constant<[number, number]>([2, 2]), size2d(1, 3)),
    fc.integer({ min: 0, max: 9 }),
  )
  .map(([shape, pool, whole]) => {
    const output = outputSize(shape);
    const global = whole === 0 && output[0] * output[1] <= 254;
    return { ...shape, pool: global ? output : pool };
  })
  .filter((shape) => !isDepthwise(shape))
  .filter(({ pool, ...shape }) => outputSize(shape).every((size, axis) => size >= pool[axis]!));

export type PoolCase = Omit<PoolShape, 'OH' | 'OW'> & { readonly ceilMode: boolean };

/** Max-pools: overlapping, with gaps, padded, dilated, in ceil mode. */
export const poolCase: fc.Arbitrary<PoolCase> = fc
  .record({
    N: batch,
    C: channels,
    image: seldom(size2d(1, 13), fc.constantFrom<[number, number]>([1, 1], [1, 28], [25, 3])),
    kernel: size2d(1, 4),
    stride: seldom(size2d(1, 3), size2d(1, 6)),
    padding: size2d(0, 2),
    dilation: size2d(1, 2),
    ceilMode: fc.boolean(),
  })
  .map(({ image: [IH, IW], ...rest }) => ({ IH, IW, ...rest }))
  .filter(({ kernel, padding }) => padding.every((pad, axis) => pad <= kernel[axis]! / 2))
  .filter((shape) => poolSize(shape).every((size) => size >= 1));

/** Average-pools: the same without dilation, and adaptive ones. */
export const avgPoolCase = fc
  .record({
    pool: poolCase,
    outputSize: fc.option(size2d(1, 9), { nil: undefined }),
    countIncludePad: fc.boolean(),
    divisor: fc.constantFrom(null, null, 3),
  })
  .map(({ pool, ...rest }) => ({ ...pool, ...rest, dilation: [1, 1] as const }))
  .filter((shape) => poolSize(shape).every((size) => size >= 1));

/** Padding and cropping, as far as every mode goes. */
export const padCase = fc
  .record({
    N: batch,
    C: channels,
    image: size2d(1, 8),
    padding: fc.tuple(...[0, 1, 2, 3].map(() => fc.integer({ min: -3, max: 6 }))),
    mode: fc.constantFrom('constant' as const, 'reflect' as const, 'replicate' as const),
  })
  .map(({ image: [IH, IW], padding, ...rest }) => {
    const [left, right, top, bottom] = padding as [number, number, number, number];
    return { IH, IW, padding: [left, right, top, bottom] as const, ...rest };
  })
  .filter(({ IH, IW, padding: [left, right, top, bottom], mode }) => {
    const stays = (size: number, before: number, after: number) =>
      size + Math.min(before, 0) + Math.min(after, 0) >= 1 &&
      (mode !== 'reflect' || Math.max(before, after) < size);
    return stays(IW, left, right) && stays(IH, top, bottom);
  });

export function poolSize({ IH, IW, ...attributes }: PoolCase): [number, number] {
  return [poolOutput(IH, attributes, 0), poolOutput(IW, attributes, 1)];
}

/** `values` as a user may hand them over: alone, or amidst an array of his own, at an offset that no vector likes. */
export function held(generator: Generator, values: Float32Array): Float32Array {
  const before = generator.integer(4) === 0 ? 0 : 1 + generator.integer(31);
  const around = new Float32Array(before + values.length + 1).fill(Number.NaN);
  around.set(values, before);
  return around.subarray(before, before + values.length);
}

const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** Values in -1..1. */
export function random(generator: Generator, shape: readonly number[]): F.Tensor {
  const values = Float32Array.from({ length: sizeOf(shape) }, () => generator.uniform(-1, 1));
  return { data: held(generator, values), shape };
}

/** Multiples of 1/`steps` in -1..1: sums of some thousands of them are exact, in any order, and many are equal. */
export function randomSteps(generator: Generator, shape: readonly number[], steps: number): F.Tensor {
  const one = () => (generator.integer(2 * steps + 1) - steps) / steps;
  return { data: held(generator, Float32Array.from({ length: sizeOf(shape) }, one)), shape };
}
