import type { Emitter } from './op.js';
import type { WeightOperands } from './weight_and_bias.js';

/** Features that a panel has, kPanel of native/kernels/params_layers.h. */
const PANEL = 32;
/** Pieces of work that keep as many threads busy as a program's slices do. */
const PIECES = 16;
/**
 * Weights from which a layer is cut into panels instead of images. 128 KiB: with fewer, bringing them into the cache
 * for each slice, and adding up 16 gradients, costs less than to wait for the whole batch three times.
 */
const MANY = 2 ** 15;

export interface LinearSize {
  readonly IN: number;
  readonly OUT: number;
}

/** Whether a layer has so many weights that it is cut into panels of features, with the whole batch in each. */
export function inPanels({ IN, OUT }: LinearSize): boolean {
  return IN * OUT >= MANY;
}

/** `count` of the kernels: panels of so many features, times the parts that each is cut into. */
function unitsOf(features: number): number {
  const panels = Math.ceil(features / PANEL);
  return panels * Math.ceil(PIECES / panels);
}

export function emitPanels(emit: Emitter, size: LinearSize, parameters: WeightOperands): void {
  const operands = { x: emit.input(0), ...parameters, y: emit.output() };
  emit.barrier();
  emit.call('linear_panel_forward', { count: unitsOf(size.OUT), ...size }, operands);
}

export function emitPanelsBackward(emit: Emitter, size: LinearSize): void {
  const gradBias = emit.gradParameter('bias');
  const gradInput = emit.gradInput(0);
  const grad_output = emit.gradOutput();
  if (gradBias) {
    const params = { C: size.OUT, positions: 1, relu: 0 };
    emit.call('bias_backward', params, { grad_output, grad_bias: gradBias });
  }
  emit.barrier();
  const params = { count: unitsOf(size.IN), ...size };
  const whole = emit.wholeGradient('weight');
  if (whole) {
    const operands = { x: emit.input(0), grad_output, grad_weight: whole.gradient };
    emit.call('linear_panel_backward_weight', { ...params, accumulate: whole.accumulate }, operands);
  }
  if (gradInput) {
    const operands = { grad_output, weight: emit.parameter('weight'), grad_input: gradInput };
    emit.call('linear_panel_backward_input', params, operands);
  }
}
