import type { Module } from '../nn/module.js';

/** Nominal arithmetic of an image in each convolution and linear layer, forward. */
function layerFlops(model: Module, shape: readonly number[]): number[] {
  const { nodes } = model.trace(shape).graph;
  return nodes.filter(({ op }) => /^(conv|linear)/.test(op.name)).map((node) => node.op.flops(node));
}

/** Nominal arithmetic of the forward pass of one image. */
export function forwardFlops(model: Module, shape: readonly number[]): number {
  return layerFlops(model, shape).reduce((sum, flops) => sum + flops, 0);
}

/** Nominal arithmetic of a training step an image: three passes a layer, but no gradient of the images. */
export function stepFlops(model: Module, shape: readonly number[]): number {
  return 3 * forwardFlops(model, shape) - layerFlops(model, shape)[0]!;
}
