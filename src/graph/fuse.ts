import { type BatchNormAttributes, batchNorm } from '../ops/batch_norm.js';
import { NORM } from '../ops/batch_norm_fold.js';
import { batchNormPool } from '../ops/batch_norm_pool.js';
import { type Conv2dAttributes, conv2d } from '../ops/conv2d.js';
import { canFoldPool, conv2dPool } from '../ops/conv2d_pool.js';
import { linear } from '../ops/linear.js';
import { type MaxPool2dAttributes, maxPool2d } from '../ops/max_pool2d.js';
import type { Op } from '../ops/op.js';
import { relu } from '../ops/relu.js';
import type { GraphNode, SymbolicTensor, TracedGraph } from './graph.js';
import type { Parameter } from './parameter.js';

/**
 * Folds a ReLU into what it follows, and into a convolution or a normalisation a max-pool whose windows do not overlap
 * as well, in either order (max and ReLU commute). For inference a batch normalisation goes into the convolution or
 * linear layer before it. All of it only where nobody else reads what lies between.
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
  shared: ReadonlySet<Parameter>,
  inference: boolean,
): GraphNode | undefined {
  const result = { output: next.output, outputTensor: next.outputTensor };
  if (next.op === (relu as Op) && node.op.takesRelu) {
    return { ...node, ...result, attributes: { ...(node.attributes as object), relu: true } };
  }
  const pooled = next.op === (maxPool2d as Op) && pooledOp(node, shared);
  if (pooled && canFoldPool(next.attributes as MaxPool2dAttributes)) {
    const { kernel } = next.attributes as MaxPool2dAttributes;
    return { ...node, ...result, op: pooled, attributes: { ...(node.attributes as object), pool: kernel } };
  }
  if (inference && next.op === (batchNorm as Op) && takesNorm(node)) {
    const { eps } = next.attributes as BatchNormAttributes;
    const norm = Object.entries(next.parameters).map(([name, one]) => [`${NORM}${name}`, one]);
    const parameters = { ...node.parameters, ...Object.fromEntries(norm) };
    return { ...node, ...result, parameters, attributes: { ...(node.attributes as object), norm: { eps } } };
  }
  return undefined;
}

/** The op that pools as well, where there is one. */
function pooledOp({ op, parameters, attributes }: GraphNode, shared: ReadonlySet<Parameter>): Op | undefined {
  if (op === (batchNorm as Op)) return batchNormPool as Op;
  // What is filtered is not pooled in the same go.
  if ((attributes as Conv2dAttributes).winograd) return undefined;
  // Pooled gradients come transposed: those of one weight that several nodes use have to be alike to be added.
  return op === (conv2d as Op) && !shared.has(parameters.weight!) ? (conv2dPool as Op) : undefined;
}

function takesNorm({ op, attributes }: GraphNode): boolean {
  const { relu: cut, norm } = attributes as Conv2dAttributes;
  return (op === (conv2d as Op) || op === (linear as Op)) && !cut && !norm;
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
