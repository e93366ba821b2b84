import { OptionError } from '../errors.js';
import { boolean } from '../options.js';
import type { Conv2dAttributes, Conv2dParams } from './conv2d_shape.js';
import type { Buffer, Emitter } from './op.js';

// 3x3 convolutions by minimal filtering, F(2x2, 3x3): the weights are transformed once a run, and 16 products a tile
// of 2x2 outputs and pair of channels do for 36 (native/kernels/conv2d_winograd.cc).

const KERNEL = 3;
const FREQUENCIES = 16;
/** What the kernel has room for, kWinogradChannels of native/kernels/params_convolution.h. */
const MOST_CHANNELS = 1792;

/** A convolution's attributes with that option. Throws `OptionError` where it cannot be filtered that way. */
export function withWinograd(
  where: string,
  attributes: Conv2dAttributes,
  inChannels: number,
  winograd: boolean,
): Conv2dAttributes {
  if (!boolean(where, 'winograd', winograd)) return attributes;
  const { kernel, stride, dilation, groups, padding, outChannels } = attributes;
  const ones = [...stride, ...dilation, groups].every((one) => one === 1);
  if (kernel.some((size) => size !== KERNEL) || !ones || padding.some((size) => size >= KERNEL)) {
    throw new OptionError(
      `[${where}] winograd is for 3x3 kernels with stride 1, dilation 1, one group and padding up to 2, but this one is ` +
        `${kernel.join('x')} with stride ${stride.join('x')}, dilation ${dilation.join('x')}, ${groups} ` +
        `${groups === 1 ? 'group' : 'groups'} and padding ${padding.join('x')}`,
    );
  }
  if (Math.max(inChannels, outChannels) > MOST_CHANNELS) {
    throw new OptionError(
      `[${where}] winograd has room for ${MOST_CHANNELS} channels but there are ${inChannels} and ${outChannels}`,
    );
  }
  return { ...attributes, winograd };
}

export function emitWinograd(
  emit: Emitter,
  params: Conv2dParams,
  { weight, bias }: { weight: Buffer | undefined; bias: Buffer | undefined },
  images: { x: Buffer; y: Buffer },
): void {
  const { IC, OC } = params;
  const transformed = emit.whole('winograd', FREQUENCIES * IC * OC);
  emit.prepare('winograd_weight', { count: IC, lanes: OC, adjoint: 0 }, { weight, transformed });
  emit.call('conv2d_winograd', params, { ...images, transformed, bias });
}

/** The input's gradient is a convolution of the output's, with the weights turned round. */
export function emitWinogradAdjoint(
  emit: Emitter,
  params: Conv2dParams,
  weight_t: Buffer,
  { grad_output, grad_input }: { grad_output: Buffer; grad_input: Buffer },
): void {
  const { IC, OC, IH, IW, OH, OW, pad_h, pad_w } = params;
  const transformed = emit.whole('winograd of the adjoint', FREQUENCIES * IC * OC);
  const operands = { weight: weight_t, transformed };
  emit.prepare('winograd_weight', { count: OC, lanes: IC, adjoint: 1 }, operands);
  const sizes = { IC: OC, IH: OH, IW: OW, OC: IC, OH: IH, OW: IW };
  const pads = { pad_h: KERNEL - 1 - pad_h, pad_w: KERNEL - 1 - pad_w };
  emit.call(
    'conv2d_winograd',
    { ...params, ...sizes, ...pads, relu: 0 },
    { x: grad_output, transformed, y: grad_input },
  );
}
