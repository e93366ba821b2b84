import type { SymbolicTensor } from '../graph/graph.js';
import type { Constant } from './constant.js';

/** What a name in a file stands for. */
export type Value = TensorValue | SizesValue | ConstantValue;

/** What depends on the images. */
export interface TensorValue {
  readonly kind: 'tensor';
  /** Its number among those that the model's `forward` makes. */
  readonly index: number;
  /** Twill's view of it: one image's C x H x W, or features. */
  readonly symbolic: SymbolicTensor;
  /** In the file it is N x H x W x C. */
  readonly channelsLast?: boolean;
  /** Features that lie (H, W, C) in the file and (C, H, W) here: those of an image of so many [C, H, W]. */
  readonly mixed?: readonly [number, number, number];
  /** Bytes, 0 to 255: Twill scales them to 0 to 1 where they enter, the file with nodes that are yet to come. */
  readonly unscaled?: boolean;
}

/** Whole numbers that the file computes from shapes; undefined is the batch, which is open. */
export interface SizesValue {
  readonly kind: 'sizes';
  readonly values: readonly (number | undefined)[];
  /** One number, not a vector of one. */
  readonly scalar: boolean;
}

/** An initializer, or what a Constant gives. */
export interface ConstantValue {
  readonly kind: 'constant';
  readonly constant: Constant;
}

/** Sizes of a tensor in the file, the batch left out. */
export function fileShape({ symbolic, channelsLast }: TensorValue): readonly number[] {
  const { shape } = symbolic;
  return channelsLast ? [shape[1]!, shape[2]!, shape[0]!] : shape;
}

/** Numbers known while importing: computed sizes, or a constant's. */
export function sizesOf(value: Value): SizesValue | undefined {
  if (value.kind === 'sizes') return value;
  if (value.kind === 'tensor' || value.constant.dims.length > 1 || value.constant.size > MOST_SIZES)
    return undefined;
  return { kind: 'sizes', values: value.constant.numbers(), scalar: value.constant.dims.length === 0 };
}

/** A shape has at most eight. */
const MOST_SIZES = 64;
