import { ShapeError } from '../errors.js';
import type { Packing } from './packing.js';

/**
 * What is known of a tensor before anything runs. Shapes are those of one image: the batch is open until a
 * program runs, and every shape a person sees is PyTorch's (C, H, W), though values lie channels-last in memory.
 */
export interface TensorSpec {
  readonly shape: readonly number[];
  /** The [C, H, W] that a flattened tensor was made of: its values still lie in (H, W, C) order. */
  readonly flattened?: readonly [number, number, number];
}

/** A buffer of the program under construction; only the graph layer looks inside. */
export interface Buffer {
  readonly id: number;
}

/** Operands of a kernel call by the names in its signature; `undefined` leaves an optional one out. */
export type Operands = Readonly<Record<string, Buffer | undefined>>;

/** A node as its op sees it. */
export interface NodeView<Attributes> {
  readonly inputs: readonly TensorSpec[];
  readonly output: TensorSpec;
  readonly attributes: Attributes;
}

/** What an op uses to emit its kernel calls. */
export interface Emitter {
  /** True where the model learns, false where it is applied: some ops do something else then. */
  readonly training: boolean;
  input(index: number): Buffer;
  output(): Buffer;
  parameter(name: string): Buffer | undefined;
  /** The parameter's transpose, [G][OC/G][taps][IC/G] of [G][taps][IC/G][OC/G], made once a run. */
  transposed(name: string, layout: { groups: number; taps: number; IC: number; OC: number }): Buffer;
  /** A buffer that forward fills and backward reads as `saved(name)`; undefined where no backward pass follows. */
  save(name: string, bytesPerImage: number): Buffer | undefined;
  /** Floats of which there is one set for the whole batch; backward finds them as `saved(name)`, too. */
  whole(name: string, floats: number): Buffer;
  saved(name: string): Buffer;
  /** A buffer for this call of the op alone. */
  temporary(bytesPerImage: number): Buffer;
  /** The upstream gradient. An op may overwrite it: nothing reads it after. */
  gradOutput(): Buffer;
  /** Where the gradient of an input goes; undefined where nobody needs it. */
  gradInput(index: number): Buffer | undefined;
  /** Says that the gradient of an input is the upstream one as it is; the op overwrites neither afterwards. */
  passGradient(index: number): void;
  /** Where the partial sums of a parameter's gradient go; undefined where it is absent or the node is frozen. */
  gradParameter(name: string): Buffer | undefined;
  /**
   * The place of a gradient that `wholeGradients` names, for a kernel over the whole batch; with `accumulate` it is to be
   * added to what is there. Undefined where the parameter is frozen.
   */
  wholeGradient(name: string): { readonly gradient: Buffer; readonly accumulate: 0 | 1 } | undefined;
  /** Four words that are drawn anew for each run, and the number that tells the nodes apart that use them. */
  random(): { readonly words: Buffer; readonly stream: number };
  /** Partial sums of this node's own, one instance a slice. */
  partials(floats: number): Buffer;
  /** Every instance of partial sums, for a kernel that adds them up. */
  everySlice(partials: Buffer): Buffer;
  call(kernel: string, params: Readonly<Record<string, number>>, operands: Operands): void;
  /** Makes what follows wait until all that came before is complete for the whole batch. */
  barrier(): void;
  /** A call before the first image, after all that was prepared before. */
  prepare(kernel: string, params: Readonly<Record<string, number>>, operands: Operands): void;
  /** A call that changes state, after the last image; its operand `losses` is filled in. */
  update(kernel: string, params: Readonly<Record<string, number>>, operands: Operands): void;
}

/** The node that another one may be folded into. */
export interface FoldTarget extends NodeView<unknown> {
  readonly op: Op;
  /** Whether another node has one of its parameters, too. */
  readonly shared: boolean;
  /** Whether the model is applied, not trained. */
  readonly inference: boolean;
}

/** What becomes of a node when the one behind it is folded in. */
export interface Fold {
  /** The op that does both; default the one that it was. */
  readonly op?: Op;
  /** What is set in its attributes. */
  readonly attributes: object;
  /** What the parameters of the node that is folded in are called from then on: this and their name. */
  readonly prefix?: string;
}

/**
 * A differentiable operation, in one place: its output shape, the kernels that compute it and its gradient, its
 * arithmetic. Adding one is adding a file here (and kernels, if it needs new ones).
 */
export interface Op<Attributes = unknown> {
  readonly name: string;
  /** Whether the output is the input seen with another shape: it shares the input's buffer, and its gradient likewise. */
  alias?(node: NodeView<Attributes>): boolean;
  /** Whether its output is its input, so that it is left out of a program that learns (`training`) or applies. */
  identity?(attributes: Attributes, training: boolean): boolean;
  /** Those among its parameters that are state which it changes: PyTorch's buffers. */
  readonly state?: readonly string[];
  /**
   * Whether the small sets of kernels have all that it calls (backend/kernel_sets.ts). Default: no, which is right for
   * any op.
   */
  plain?(node: NodeView<Attributes>): boolean;
  /** It can end in a ReLU: fusion sets `relu: true` in its attributes. */
  readonly takesRelu?: boolean;
  /** A normalisation can go into its weight and bias: fusion sets `norm` in its attributes (weight_and_bias.ts). */
  readonly takesNorm?: boolean;
  /**
   * The op that ends in a max-pool as well, whose attribute `pool` is the window; undefined where there is none.
   * `shared`: another node has one of its parameters, too.
   */
  pooled?(node: NodeView<Attributes>, shared: boolean): Op | undefined;
  /** How its node goes into the one before it, whose output nobody else reads; undefined where it cannot. */
  foldInto?(before: FoldTarget, node: NodeView<Attributes>): Fold | undefined;
  /** Infers the output; throws `ShapeError` naming `where`. Parameter shapes are PyTorch's. */
  infer(
    where: string,
    inputs: readonly TensorSpec[],
    parameters: Readonly<Record<string, readonly number[]>>,
    attributes: Attributes,
  ): TensorSpec;
  /**
   * Parameters whose gradient the kernels give transposed, [G][OC/G][taps][IC/G] for [G][taps][IC/G][OC/G]: it is
   * turned when the partial sums are added up.
   */
  readonly transposedGradients?: readonly string[];
  /** Parameters whose gradient the kernels give for the whole batch at once, without partial sums. */
  wholeGradients?(node: NodeView<Attributes>): readonly string[];
  /** How a parameter lies in backend memory. */
  packing?(parameter: string, node: NodeView<Attributes>): Packing;
  /** Images that a step of training needs at least; default 1. */
  leastBatch?(node: NodeView<Attributes>): number;
  /** Floating-point operations of the forward pass of one image (a multiply-add is two). */
  flops(node: NodeView<Attributes>): number;
  forward(emit: Emitter, node: NodeView<Attributes>): void;
  backward(emit: Emitter, node: NodeView<Attributes>): void;
}

/** Floats in one image of a tensor. */
export function sizeOf(spec: TensorSpec): number {
  return spec.shape.reduce((product, size) => product * size, 1);
}

/** A float as a parameter of a kernel: the 32 bits that it has as one. */
export function floatBits(value: number): number {
  return new Int32Array(Float32Array.of(value).buffer)[0]!;
}

/** [C, H, W] of one image. Throws `ShapeError` for what is no image. */
export function imageShapeOf(where: string, { shape }: TensorSpec): readonly [number, number, number] {
  if (shape.length === 3) return shape as unknown as readonly [number, number, number];
  throw new ShapeError(`[${where}] expected images of C x H x W but got ${formatShape(shape)}`);
}

/** `32x16x5x5` */
export function formatShape(shape: readonly number[]): string {
  return shape.length === 0 ? 'scalar' : shape.join('x');
}

/**
 * The [C, H, W] in whose (H, W, C) order an image's or its flattened values lie; undefined where they lie in PyTorch's,
 * as features do, and images of one channel or one pixel.
 */
export function pixelOrder({ shape, flattened }: TensorSpec): readonly [number, number, number] | undefined {
  const [C, H, W] = flattened ?? (shape.length === 3 ? (shape as [number, number, number]) : [1, 1, 1]);
  return C > 1 && H * W > 1 ? [C, H, W] : undefined;
}

/** Whether the values of two tensors lie in memory in the same order. */
export function sameOrder(a: TensorSpec, b: TensorSpec): boolean {
  return formatShape(pixelOrder(a) ?? []) === formatShape(pixelOrder(b) ?? []);
}
