import { type Buffer, type Operands, sizeOf, type TensorSpec } from './op.js';

/** What becomes of the images' losses: PyTorch's `reduction`. */
export type Reduction = 'mean' | 'sum';

/** What a loss compares a model's output with: a class number an image, or a value for each of the output's. */
export type Targets =
  | { readonly kind: 'labels'; readonly classes: number; readonly ignoreIndex: number }
  | { readonly kind: 'values'; readonly shape: readonly number[] };

/** Of given targets, those that the loss does not ignore. */
export function countedOf(given: ArrayLike<number>, targets: Targets): number {
  if (targets.kind !== 'labels') return given.length / sizeOf(targets);
  let counted = 0;
  for (let i = 0; i < given.length; i++) if (given[i] !== targets.ignoreIndex) counted++;
  return counted;
}

/** What a loss emits its kernel calls with. */
export interface LossEmitter {
  readonly outputs: Buffer;
  /** int32 labels, or floats that lie as the outputs do. */
  readonly targets: Buffer;
  readonly losses: Buffer;
  /** Where the targets are labels: 1 for each image that was right. */
  readonly hits: Buffer | undefined;
  readonly gradOutputs: Buffer | undefined;
  readonly reduction: Reduction;
  /** Numbers that stay as they are; undefined for none. */
  constant(values: readonly number[] | null): Buffer | undefined;
  /** One number for the whole batch. */
  whole(): Buffer;
  call(kernel: string, params: Readonly<Record<string, number>>, operands: Operands): void;
  /** A call before the first image. */
  prepare(kernel: string, params: Readonly<Record<string, number>>, operands: Operands): void;
}

/** Losses of some images, added up, and what a mean divides them by. */
export interface LossSum {
  readonly sum: number;
  readonly total: number;
}

/** A loss: it ends a graph. */
export interface LossOp {
  readonly name: string;
  /** Whether the small sets of kernels have its own, as with an `Op`. */
  readonly plain: boolean;
  /** Throws `ShapeError` where the loss cannot be of such an output. */
  targets(output: TensorSpec): Targets;
  /** Returns the number that a mean divides by; undefined where it is that of the images. */
  emit(emit: LossEmitter, output: TensorSpec): Buffer | undefined;
  /** The same in float64, of outputs in PyTorch's order. */
  measure(outputs: Float32Array, targets: ArrayLike<number>, shape: readonly number[]): LossSum;
}
