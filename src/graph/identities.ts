import type { GraphNode, SymbolicTensor, TracedGraph } from './graph.js';

/** The graph without what would pass its input on as it is: dropout, where the model is applied. */
export function withoutIdentities(traced: TracedGraph, training: boolean): TracedGraph {
  const { graph, output } = traced;
  const passed = new Map<SymbolicTensor, SymbolicTensor>();
  const origin = (tensor: SymbolicTensor) => passed.get(tensor) ?? tensor;
  const nodes: GraphNode[] = [];
  for (const node of graph.nodes) {
    const inputTensors = node.inputTensors.map(origin);
    if (node.op.identity?.(node.attributes, training)) passed.set(node.outputTensor, inputTensors[0]!);
    else nodes.push({ ...node, inputTensors });
  }
  if (passed.size === 0) return traced;
  const { inputs, input } = graph;
  return { graph: { inputs, input, nodes }, output: origin(output) };
}
