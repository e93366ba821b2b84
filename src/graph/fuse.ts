import type { GraphNode, SymbolicTensor, TracedGraph } from './graph.js';
import type { Parameter } from './parameter.js';

/**
 * Folds nodes into those before them, where nobody else reads what lies between and their op has a way (`foldInto`): a
 * ReLU into most, into a convolution or a normalisation a max-pool whose windows do not overlap as well, in either order
 * (max and ReLU commute), and for inference a batch normalisation into the convolution or linear layer before it.
 */
export function fuse({ graph, output }: TracedGraph, { inference = false } = {}): GraphNode[] {
  const readers = countReaders(graph.nodes, output);
  const nodes = [...graph.nodes];
  const shared = sharedParameters(nodes);
  for (let at = 0; at < nodes.length; at++) {
    for (let next = onlyReader(nodes, at, readers); next >= 0; next = onlyReader(nodes, at, readers)) {
      const folded = fold(nodes[at]!, nodes[next]!, shared, inference);
      if (!folded) break;
      nodes.splice(next, 1);
      nodes[at] = folded;
    }
  }
  return nodes;
}

/** `node` with `next` folded in, or undefined where it cannot be. */
function fold(
  node: GraphNode,
  next: GraphNode,
  sharedParameters: ReadonlySet<Parameter>,
  inference: boolean,
): GraphNode | undefined {
  const shared = Object.values(node.parameters).some((parameter) => sharedParameters.has(parameter));
  const folded = next.op.foldInto?.({ ...node, shared, inference }, next);
  if (!folded) return undefined;
  const { op = node.op, attributes, prefix = '' } = folded;
  const parameters = Object.entries(next.parameters).map(([name, one]) => [prefix + name, one]);
  return {
    ...node,
    op,
    output: next.output,
    outputTensor: next.outputTensor,
    attributes: { ...(node.attributes as object), ...attributes },
    parameters: { ...node.parameters, ...Object.fromEntries(parameters) },
  };
}

function onlyReader(
  nodes: readonly GraphNode[],
  at: number,
  readers: ReadonlyMap<SymbolicTensor, number>,
): number {
  const tensor = nodes[at]!.outputTensor;
  return readers.get(tensor) === 1
    ? nodes.findIndex(({ inputTensors }) => inputTensors.includes(tensor))
    : -1;
}

/** Parameters that several nodes use. */
function sharedParameters(nodes: readonly GraphNode[]): Set<Parameter> {
  const all = nodes.flatMap(({ parameters }) => Object.values(parameters));
  return new Set(all.filter((parameter, index) => all.indexOf(parameter) !== index));
}

/** How often each tensor is read; being the graph's output counts as a reading. */
export function countReaders(
  nodes: readonly GraphNode[],
  output: SymbolicTensor,
): Map<SymbolicTensor, number> {
  const readers = new Map<SymbolicTensor, number>([[output, 1]]);
  for (const { inputTensors } of nodes) {
    for (const tensor of inputTensors) readers.set(tensor, (readers.get(tensor) ?? 0) + 1);
  }
  return readers;
}
