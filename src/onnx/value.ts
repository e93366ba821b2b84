import type { SymbolicTensor } from '../graph/graph.js';
import type { Parameter } from '../graph/parameter.js';
import type { Constant } from './constant.js';

/** What a name in a file stands for. */
export type Value = TensorValue | FunctionValue | MomentValue | SizesValue | ConstantValue;

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
  /** In the file it is N x groups x all that is in one, on the way through a group normalisation. */
  readonly groups?: number;
  /** Of the layer that made it, as long as nothing else reads the tensor: what scales and shifts it by channels. */
  readonly affine?: Affine;
}

/** A weight of as many rows as the bias has values. */
export interface Affine {
  readonly weight: Parameter;
  readonly bias: Parameter;
}

/** What nodes make of each value of one tensor by itself; which activation that is, is seen once it is used. */
export interface FunctionValue {
  readonly kind: 'function';
  /** What it is a function of. */
  readonly of: TensorValue;
  /** What it gives for the numbers of `GRID`. */
  readonly samples: Float64Array;
  /** Nodes that it is made of. */
  readonly depth: number;
  /** The tensor, once made; throws where Twill has no op for the function. */
  tensor(): TensorValue;
}

/** A step on the way through a normalisation of whole images that the file spells out. */
export interface MomentValue {
  readonly kind: 'moment';
  readonly of: TensorValue;
  readonly stage: 'mean' | 'centred' | 'square' | 'variance' | 'widened' | 'deviation';
  /** Added to the variance, from `widened` on. */
  readonly eps: number;
}

/** Whole numbers that the file computes from shapes; undefined is the batch, which is open. */
export interface SizesValue {
  readonly kind: 'sizes';
  readonly values: readonly (number | undefined)[];
  /** One number, not a vector of one. */
  readonly scalar: boolean;
  /** Of a matrix, its columns: PyTorch turns the pads of its functions around in one. */
  readonly columns?: number;
}

/** An initializer, or what a Constant gives. */
export interface ConstantValue {
  readonly kind: 'constant';
  readonly constant: Constant;
}

/** Sizes of a tensor in the file, the batch left out. */
export function fileShape({ symbolic, channelsLast, groups }: TensorValue): readonly number[] {
  const { shape } = symbolic;
  if (groups !== undefined) return [groups, shape.reduce((product, size) => product * size, 1) / groups];
  return channelsLast ? [shape[1]!, shape[2]!, shape[0]!] : shape;
}

/** Numbers known while importing: computed sizes, or a constant's. */
export function sizesOf(value: Value): SizesValue | undefined {
  if (value.kind === 'sizes') return value;
  if (value.kind !== 'constant' || value.constant.dims.length > 1 || value.constant.size > MOST_SIZES) {
    return undefined;
  }
  return { kind: 'sizes', values: value.constant.numbers(), scalar: value.constant.dims.length === 0 };
}

/** The same tensor, as one that later nodes may not change. */
export const sealed = (x: TensorValue): TensorValue => ({ ...x, affine: undefined });

/** Whether two are the same tensor that lies in the same way. */
export function isSame(a: TensorValue, b: TensorValue): boolean {
  const layout = ({ index, channelsLast, mixed, groups }: TensorValue) =>
    [index, Boolean(channelsLast), mixed, groups].join('|');
  return layout(a) === layout(b);
}

/** A shape has at most eight. */
const MOST_SIZES = 64;
