import type { GraphNode, SymbolicTensor } from './graph.js';
import type { Parameter } from './parameter.js';

/**
 * What needs a gradient: the parameters that are not frozen, the inputs where they are wanted, and every tensor through
 * which one of them reaches the output. (So the first convolution computes no gradient of its images.)
 */
export function gradientsNeeded(
  nodes: readonly GraphNode[],
  inputs: readonly SymbolicTensor[],
  wanted: 'parameters' | 'parameters and inputs' | undefined,
): { tensors: ReadonlySet<SymbolicTensor>; parameters: ReadonlySet<Parameter> } {
  const tensors = new Set<SymbolicTensor>();
  const parameters = new Set<Parameter>();
  if (!wanted) return { tensors, parameters };
  if (wanted === 'parameters and inputs') for (const input of inputs) tensors.add(input);
  for (const node of nodes) {
    const trainable = Object.values(node.parameters).filter(({ requiresGrad }) => requiresGrad);
    for (const parameter of trainable) parameters.add(parameter);
    if (trainable.length > 0 || node.inputTensors.some((tensor) => tensors.has(tensor)))
      tensors.add(node.outputTensor);
  }
  return { tensors, parameters };
}
