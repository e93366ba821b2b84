import { ShapeError } from '../errors.js';
import { formatShape, imageShapeOf, type NodeView, sizeOf, type TensorSpec } from './op.js';
import { type Packing, PLAIN } from './packing.js';
import type { TakesNorm, WeightLayout } from './weight_and_bias.js';
import { dilatedWindowParams, reachError } from './window.js';

// What a convolution is, with and without a pool behind it.

/** Attributes as PyTorch names them, each for height and width; `relu` is set by fusion. */
export interface Conv2dAttributes extends TakesNorm {
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly groups: number;
  readonly kernel: readonly [number, number];
  readonly outChannels: number;
  readonly relu?: boolean;
  /** Minimal filtering (winograd.ts). */
  readonly winograd?: boolean;
}

/** Output size along one axis: floor((size + 2 padding - dilation (kernel - 1) - 1) / stride) + 1, as PyTorch. */
export function windowOutput(
  size: number,
  kernel: number,
  stride: number,
  padding: number,
  dilation: number,
): number {
  return Math.floor((size + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
}

/** `Op.infer` of a convolution. */
export function inferConv2d(
  where: string,
  inputs: readonly TensorSpec[],
  parameters: Readonly<Record<string, readonly number[]>>,
  { stride, padding, dilation, groups }: Conv2dAttributes,
): TensorSpec {
  const [C, H, W] = imageShapeOf(where, inputs[0]!);
  const weight = parameters.weight!;
  const bias = parameters.bias;
  if (weight.length !== 4) {
    throw new ShapeError(
      `[${where}] expected a weight of OC x IC/groups x KH x KW but got ${formatShape(weight)}`,
    );
  }
  const [OC, ICG, KH, KW] = weight as [number, number, number, number];
  if (C !== ICG * groups) {
    const given = groups === 1 ? '' : `, ${groups} groups`;
    throw new ShapeError(
      `[${where}] expected ${ICG * groups} input channels (weight ${formatShape(weight)}${given}) but got ${C}`,
    );
  }
  if (OC % groups !== 0) {
    throw new ShapeError(`[${where}] ${OC} output channels do not divide into ${groups} groups`);
  }
  if (bias && (bias.length !== 1 || bias[0] !== OC)) {
    throw new ShapeError(
      `[${where}] expected a bias of ${OC} (weight ${formatShape(weight)}) but got ${formatShape(bias)}`,
    );
  }
  const OH = windowOutput(H, KH, stride[0], padding[0], dilation[0]);
  const OW = windowOutput(W, KW, stride[1], padding[1], dilation[1]);
  if (OH < 1 || OW < 1) {
    throw reachError(where, 'kernel', { kernel: [KH, KW], padding, dilation }, [H, W]);
  }
  return { shape: [OC, OH, OW] };
}

export function packConv2d(parameter: string, { attributes }: NodeView<Conv2dAttributes>): Packing {
  return parameter === 'weight' ? { kind: 'conv2d', groups: attributes.groups } : PLAIN;
}

export function conv2dFlops({
  inputs,
  output,
  attributes: { kernel, groups },
}: NodeView<Conv2dAttributes>): number {
  return 2 * sizeOf(output) * (inputs[0]!.shape[0]! / groups) * kernel[0] * kernel[1];
}

export function weightLayout({
  inputs,
  attributes: { kernel, groups, outChannels },
}: NodeView<Conv2dAttributes>): WeightLayout {
  return { groups, rows: (kernel[0] * kernel[1] * inputs[0]!.shape[0]!) / groups, OC: outChannels / groups };
}

export function transposeLayout({
  inputs,
  attributes: { kernel, groups, outChannels },
}: NodeView<Conv2dAttributes>) {
  const IC = inputs[0]!.shape[0]! / groups;
  return { groups, taps: kernel[0] * kernel[1], IC, OC: outChannels / groups };
}

export type Conv2dParams = ReturnType<typeof conv2dParams>;

/** The words of Conv2dParams (native/kernels/params_convolution.h). */
export function conv2dParams(node: NodeView<Conv2dAttributes>) {
  const { stride, padding, dilation, groups, kernel, outChannels, relu } = node.attributes;
  const [IC, IH, IW] = node.inputs[0]!.shape as [number, number, number];
  return {
    IC,
    IH,
    IW,
    OC: outChannels,
    OH: windowOutput(IH, kernel[0], stride[0], padding[0], dilation[0]),
    OW: windowOutput(IW, kernel[1], stride[1], padding[1], dilation[1]),
    ...dilatedWindowParams(node.attributes),
    groups,
    relu: relu ? 1 : 0,
  };
}
