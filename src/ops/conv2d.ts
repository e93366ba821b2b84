import { ShapeError } from '../errors.js';
import { type FoldedNorm, weightAndBias, type WeightLayout } from './batch_norm_fold.js';
import { formatShape, imageShapeOf, type NodeView, type Op, sizeOf } from './op.js';
import { PLAIN } from './packing.js';
import { reluBackward } from './relu.js';
import { dilatedWindowParams, reachError } from './window.js';
import { emitWinograd, emitWinogradAdjoint } from './winograd.js';

/** Attributes as PyTorch names them, each for height and width; `relu` is set by fusion. */
export interface Conv2dAttributes extends FoldedNorm {
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

/** Cross-correlation of C x H x W images with OIHW weights, torch.nn.functional.conv2d. */
export const conv2d: Op<Conv2dAttributes> = {
  name: 'conv2d',
  takesRelu: true,

  infer(where, inputs, parameters, { stride, padding, dilation, groups }) {
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
  },

  packing: (parameter, { attributes }) =>
    parameter === 'weight' ? { kind: 'conv2d', groups: attributes.groups } : PLAIN,

  flops({ inputs, output, attributes: { kernel, groups } }) {
    return 2 * sizeOf(output) * (inputs[0]!.shape[0]! / groups) * kernel[0] * kernel[1];
  },

  forward(emit, node) {
    const params = conv2dParams(node);
    const parameters = weightAndBias(emit, node.attributes, weightLayout(node));
    const images = { x: emit.input(0), y: emit.output() };
    if (node.attributes.winograd) emitWinograd(emit, params, parameters, images);
    else emit.call('conv2d_forward', params, { ...images, ...parameters });
  },

  backward(emit, node) {
    const params = conv2dParams(node);
    if (node.attributes.relu) reluBackward(emit, node.output);
    const gradWeight = emit.gradParameter('weight');
    const gradInput = emit.gradInput(0);
    if (gradWeight) {
      emit.call('conv2d_backward_weight', params, {
        x: emit.input(0),
        grad_output: emit.gradOutput(),
        grad_weight: gradWeight,
        grad_bias: emit.gradParameter('bias'),
      });
    }
    if (!gradInput) return;
    const weight_t = emit.transposed('weight', transposeLayout(node));
    const images = { grad_output: emit.gradOutput(), grad_input: gradInput };
    if (node.attributes.winograd) emitWinogradAdjoint(emit, params, weight_t, images);
    else emit.call('conv2d_backward_input', params, { weight_t, ...images });
  },
};

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
