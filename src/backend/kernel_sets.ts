/**
 * What the WebAssembly modules can compute, each set within the next (native/kernels/kernels.inc): what a plain network
 * (convolutions, linear layers, ReLU, max-pools, sums) is applied with, what it is trained with besides, and all that
 * there is. A page downloads no more than its network needs.
 */
export const KERNEL_SETS = ['predict', 'train', 'all'] as const;
export type KernelSet = (typeof KERNEL_SETS)[number];

/** The sets that hold all of one, the smallest first. */
export function setsWith(set: KernelSet): readonly KernelSet[] {
  return KERNEL_SETS.slice(KERNEL_SETS.indexOf(set));
}
