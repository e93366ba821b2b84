import type { GraphNode, SymbolicTensor } from './graph.js';
import type { Parameter } from './parameter.js';

/**
 * What needs a gradient: the parameters that are not frozen, the input where it is wanted, and every tensor through
 * which one of them reaches the output. (So the first convolution computes no gradient of its images.)
 */
export function gradientsNeeded(
  nodes: readonly GraphNode[],
  input: SymbolicTensor,
  wanted: 'parameters' | 'parameters and input' | undefined,
): { tensors: ReadonlySet<SymbolicTensor>; parameters: ReadonlySet<Parameter> } {
  const tensors = new Set<SymbolicTensor>();
  const parameters = new Set<Parameter>();
  if (!wanted) return { tensors, parameters };
  if (wanted === 'parameters and input') tensors.add(input);
  for (const node of nodes) {
    const trainable = Object.values(node.parameters).filter(({ requiresGrad }) => requiresGrad);
    for (const parameter of trainable) parameters.add(parameter);
    if (trainable.length > 0 || node.inputTensors.some((tensor) => tensors.has(tensor)))
      tensors.add(node.outputTensor);
  }
  return { tensors, parameters };
}
