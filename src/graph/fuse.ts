import { conv2d } from '../ops/conv2d.js';
import { canFoldPool, conv2dPool } from '../ops/conv2d_pool.js';
import { type MaxPool2dAttributes, maxPool2d } from '../ops/max_pool2d.js';
import type { Op } from '../ops/op.js';
import { relu } from '../ops/relu.js';
import type { GraphNode, SymbolicTensor, TracedGraph } from './graph.js';
import type { Parameter } from './parameter.js';

/**
 * Folds a ReLU into what it follows, and into a convolution a max-pool whose windows do not overlap as well, in either
 * order (max and ReLU commute). Only where nobody else reads what lies between.
 */
export function fuse({ graph, output }: TracedGraph): GraphNode[] {
  const readers = countReaders(graph.nodes, output);
  const nodes = [...graph.nodes];
  const shared = sharedParameters(nodes);
  for (let at = 0; at < nodes.length; at++) {
    for (let next = onlyReader(nodes, at, readers); next >= 0; next = onlyReader(nodes, at, readers)) {
      const folded = fold(nodes[at]!, nodes[next]!, shared);
      if (!folded) break;
      nodes.splice(next, 1);
      nodes[at] = folded;
    }
  }
  return nodes;
}

/** `node` with `next` folded in, or undefined where it cannot be. */
function fold(node: GraphNode, next: GraphNode, shared: ReadonlySet<Parameter>): GraphNode | undefined {
  const result = { output: next.output, outputTensor: next.outputTensor };
  if (next.op === (relu as Op) && node.op.takesRelu) {
    return { ...node, ...result, attributes: { ...(node.attributes as object), relu: true } };
  }
  // Pooled gradients come transposed: those of one weight that several nodes use have to be alike to be added.
  const convolves = node.op === (conv2d as Op) && !shared.has(node.parameters.weight!);
  if (convolves && next.op === (maxPool2d as Op) && canFoldPool(next.attributes as MaxPool2dAttributes)) {
    const { kernel } = next.attributes as MaxPool2dAttributes;
    const attributes = { ...(node.attributes as object), pool: kernel };
    return { ...node, ...result, op: conv2dPool as Op, attributes };
  }
  return undefined;
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
