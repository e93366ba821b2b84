import type { KernelSet } from '../backend/kernel_sets.js';
import type { TracedGraph } from './graph.js';
import type { Loss } from './request.js';

/** The smallest set of kernels with which a graph can be applied or, by a loss, trained. */
export function kernelsFor({ graph }: TracedGraph, loss?: Loss): KernelSet {
  const plain = graph.nodes.every((node) => node.op.plain?.(node)) && loss?.op.plain !== false;
  return !plain ? 'all' : loss ? 'train' : 'predict';
}
