import { ShapeError } from '../errors.js';
import { type Emitter, floatBits, formatShape, type NodeView, type Op, sameOrder, sizeOf } from './op.js';
import { type Packing, PLAIN } from './packing.js';

/** Groups of channels, each with a weight and a bias. */
export interface ChannelGroups {
  readonly eps: number;
  /** null: as many as there are channels. */
  readonly groups: number | null;
}

/** A whole image, or all its features, each value with a weight and a bias. */
export interface WholeImage {
  readonly eps: number;
  readonly normalizedShape: readonly number[];
}

export type GroupNormAttributes = ChannelGroups | WholeImage;

/**
 * (x - mean) / sqrt(var + eps) * weight + bias with mean and variance over parts of one image:
 * torch.nn.functional.group_norm, instance_norm and layer_norm.
 */
export const groupNorm: Op<GroupNormAttributes> = {
  name: 'group_norm',

  infer(where, inputs, parameters, attributes) {
    const [input] = inputs as [(typeof inputs)[0]];
    const [C] = input.shape as [number];
    const whole = 'normalizedShape' in attributes;
    if (whole) checkWhole(where, input.shape, attributes);
    else checkGroups(where, input.shape, attributes);
    if (!whole && !sameOrder(input, { shape: input.shape })) {
      throw new ShapeError(
        `[${where}] expected features but got those of flattened images ` +
          `(${formatShape(input.flattened!)}): normalise before flattening`,
      );
    }
    const expected = whole ? input.shape : [C];
    for (const [name, given] of Object.entries(parameters)) {
      if (formatShape(given) !== formatShape(expected)) {
        throw new ShapeError(
          `[${where}] expected a ${name} of ${formatShape(expected)} but got ${formatShape(given)}`,
        );
      }
    }
    return input;
  },

  packing(_name, { inputs, attributes }): Packing {
    const { shape, flattened } = inputs[0]!;
    if (!('normalizedShape' in attributes)) return PLAIN;
    const image = flattened ?? (shape.length === 3 ? (shape as [number, number, number]) : undefined);
    return image ? { kind: 'features', flattened: image } : PLAIN;
  },

  flops: ({ output }) => 2 * sizeOf(output),

  forward(emit, node) {
    const params = groupNormParams(node);
    const floats = params.groups === 1 ? 2 : 3 * params.C;
    const bytes = floats * Float32Array.BYTES_PER_ELEMENT;
    emit.call('group_norm_forward', params, {
      x: emit.input(0),
      weight: emit.parameter('weight'),
      bias: emit.parameter('bias'),
      y: emit.output(),
      statistics: emit.save('statistics', bytes) ?? emit.temporary(bytes),
    });
  },

  backward(emit, node) {
    const params = groupNormParams(node);
    emit.call('group_norm_backward', params, {
      x: emit.input(0),
      grad_output: emit.gradOutput(),
      statistics: emit.saved('statistics'),
      weight: emit.parameter('weight'),
      terms: roomFor(emit, params),
      grad_input: emit.gradInput(0),
      grad_weight: emit.gradParameter('weight'),
      grad_bias: emit.gradParameter('bias'),
    });
  },
};

/** The sums of every channel, where a channel has several values or a group of its own. */
function roomFor(emit: Emitter, { C, positions, groups }: ReturnType<typeof groupNormParams>) {
  if (groups === 1 && positions === 1) return undefined;
  return emit.temporary(2 * C * Float32Array.BYTES_PER_ELEMENT);
}

function checkGroups(where: string, shape: readonly number[], { groups }: ChannelGroups): void {
  const [C, H = 1, W = 1] = shape as [number, number?, number?];
  if (groups === null && H * W === 1) {
    throw new ShapeError(`[${where}] expected more than one pixel a channel but got ${formatShape(shape)}`);
  }
  if (groups !== null && C % groups !== 0) {
    throw new ShapeError(`[${where}] ${C} channels do not divide into ${groups} groups`);
  }
}

function checkWhole(where: string, shape: readonly number[], { normalizedShape }: WholeImage): void {
  if (formatShape(shape) === formatShape(normalizedShape)) return;
  throw new ShapeError(
    `[${where}] expected images, or features, of the normalised shape ${formatShape(normalizedShape)} but got ` +
      `${formatShape(shape)}: a layer normalisation takes all of an image`,
  );
}

/** A whole image is one group of as many channels as it has values. */
function groupNormParams({ inputs, attributes }: NodeView<GroupNormAttributes>) {
  const { shape } = inputs[0]!;
  const [C, H = 1, W = 1] = shape as [number, number?, number?];
  const eps = floatBits(attributes.eps);
  if ('normalizedShape' in attributes) return { C: sizeOf({ shape }), positions: 1, groups: 1, eps };
  return { C, positions: H * W, groups: attributes.groups ?? C, eps };
}
