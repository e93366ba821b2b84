import { ShapeError } from '../errors.js';
import { convolve } from './conv2d_kernels.js';
import { formatShape, imageShapeOf, type NodeView, type Op, sizeOf } from './op.js';
import { PLAIN } from './packing.js';
import { reluBackward } from './relu.js';
import { dilatedWindowParams } from './window.js';

/** Attributes as PyTorch names them, each for height and width; `relu` is set by fusion. */
export interface ConvTranspose2dAttributes {
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly outputPadding: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly groups: number;
  readonly kernel: readonly [number, number];
  readonly relu?: boolean;
}

/**
 * The transpose of a convolution, torch.nn.functional.conv_transpose2d. There is a convolution that takes its output
 * and gives its input, with the same weight: each of the three passes is one of that convolution's kernels.
 */
export const convTranspose2d: Op<ConvTranspose2dAttributes> = {
  name: 'conv_transpose2d',
  takesRelu: true,

  infer(where, inputs, parameters, { stride, padding, outputPadding, dilation, groups }) {
    const [C, ...image] = imageShapeOf(where, inputs[0]!);
    const weight = parameters.weight!;
    const bias = parameters.bias;
    if (weight.length !== 4) {
      throw new ShapeError(
        `[${where}] expected a weight of IC x OC/groups x KH x KW but got ${formatShape(weight)}`,
      );
    }
    const [IC, OCG, ...kernel] = weight as [number, number, number, number];
    if (C !== IC) {
      throw new ShapeError(
        `[${where}] expected ${IC} input channels (weight ${formatShape(weight)}) but got ${C}`,
      );
    }
    if (IC % groups !== 0) {
      throw new ShapeError(`[${where}] ${IC} input channels do not divide into ${groups} groups`);
    }
    const OC = OCG * groups;
    if (bias && (bias.length !== 1 || bias[0] !== OC)) {
      throw new ShapeError(
        `[${where}] expected a bias of ${OC} (weight ${formatShape(weight)}) but got ${formatShape(bias)}`,
      );
    }
    const size = (axis: 0 | 1) =>
      (image[axis] - 1) * stride[axis] -
      2 * padding[axis] +
      dilation[axis] * (kernel[axis] - 1) +
      outputPadding[axis] +
      1;
    const [OH, OW] = [size(0), size(1)];
    if (OH < 1 || OW < 1) {
      throw new ShapeError(
        `[${where}] a padding of ${formatShape(padding)} leaves ${OH}x${OW} pixels of an image of ${formatShape(image)}`,
      );
    }
    return { shape: [OC, OH, OW] };
  },

  packing: (parameter, { attributes }) =>
    parameter === 'weight' ? { kind: 'conv2d', groups: attributes.groups } : PLAIN,

  flops({ inputs, output, attributes: { kernel, groups } }) {
    return 2 * sizeOf(inputs[0]!) * (output.shape[0]! / groups) * kernel[0] * kernel[1];
  },

  forward(emit, node) {
    const { IC, OC, groups, KH, KW } = convolutionParams(node);
    convolve(emit, 'backward_input', convolutionParams(node), {
      grad_output: emit.input(0),
      weight_t: emit.transposed('weight', { groups, taps: KH * KW, IC: IC / groups, OC: OC / groups }),
      grad_input: emit.output(),
    });
    const bias = emit.parameter('bias');
    const [y, size] = [emit.output(), sizeOf(node.output)];
    if (bias) emit.call('bias_forward', biasParams(node), { bias, y });
    else if (node.attributes.relu) emit.call('relu_forward', { size }, { x: y, y });
  },

  backward(emit, node) {
    const params = convolutionParams(node);
    if (node.attributes.relu) reluBackward(emit, node.output);
    const gradOutput = emit.gradOutput();
    const gradWeight = emit.gradParameter('weight');
    const gradBias = emit.gradParameter('bias');
    const gradInput = emit.gradInput(0);
    if (gradWeight) {
      convolve(emit, 'backward_weight', params, {
        x: gradOutput,
        grad_output: emit.input(0),
        grad_weight: gradWeight,
        grad_bias: undefined,
      });
    }
    if (gradBias) {
      emit.call(
        'bias_backward',
        { ...biasParams(node), relu: 0 },
        { grad_output: gradOutput, grad_bias: gradBias },
      );
    }
    if (gradInput) {
      convolve(emit, 'forward', params, {
        x: gradOutput,
        weight: emit.parameter('weight'),
        bias: undefined,
        y: gradInput,
      });
    }
  },
};

/** The convolution of the output that gives the input, as the words of Conv2dParams. */
function convolutionParams({ inputs, output, attributes }: NodeView<ConvTranspose2dAttributes>) {
  const [IC, IH, IW] = output.shape as [number, number, number];
  const [OC, OH, OW] = inputs[0]!.shape as [number, number, number];
  return {
    IC,
    IH,
    IW,
    OC,
    OH,
    OW,
    ...dilatedWindowParams(attributes),
    groups: attributes.groups,
    relu: 0,
  };
}

function biasParams({ output, attributes }: NodeView<ConvTranspose2dAttributes>) {
  const [C, H, W] = output.shape as [number, number, number];
  return { C, positions: H * W, relu: attributes.relu ? 1 : 0 };
}
