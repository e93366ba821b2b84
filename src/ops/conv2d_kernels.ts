import type { Emitter, Operands } from './op.js';

/** What depthwise kernels have room for, kDepthwiseTaps of native/kernels/params_convolution.h. */
const DEPTHWISE_TAPS = 128;

/** Of the words of Conv2dParams those that say which kernels are meant. */
interface Shape {
  readonly IC: number;
  readonly OC: number;
  readonly KH: number;
  readonly KW: number;
  readonly groups: number;
}

/** Whether each channel is convolved by itself, with few enough taps for the kernels that do that. */
export function isDepthwise({ IC, OC, KH, KW, groups }: Shape): boolean {
  return groups > 1 && IC === groups && OC === groups && KH * KW <= DEPTHWISE_TAPS;
}

/** Emits a pass of a convolution. */
export function convolve<Params extends Shape & Readonly<Record<string, number>>>(
  emit: Emitter,
  pass: 'forward' | 'backward_input' | 'backward_weight',
  params: Params,
  operands: Operands,
): void {
  emit.call(`${isDepthwise(params) ? 'conv2d_depthwise' : 'conv2d'}_${pass}`, params, operands);
}
