import type { GraphWriter } from '../../src/onnx/writer.js';

// Graphs of one input, for what files spell out in several nodes.

export const scalar = (graph: GraphWriter, value: number, dims: readonly number[] = []) =>
  graph.floats('number', Float32Array.of(value), dims);

/** Adds nodes that begin with the tensor named `x`; returns the name of what they give. */
export type Builder = (graph: GraphWriter, x: string) => string;

export const ends = (build: Builder) => (graph: GraphWriter) => graph.end(build(graph, 'x'), 'y');

/** Of images with the channels last, which only a node after it tells. */
export const turned = (build: Builder) =>
  ends((graph, x) => {
    const front = graph.node('front', 'Transpose', [build(graph, x)], { perm: [0, 3, 1, 2] });
    return graph.node('back', 'Transpose', [front], { perm: [0, 2, 3, 1] });
  });

/** `x` with one node of arithmetic and a number. */
export const by = (graph: GraphWriter, type: string, x: string, value: number) =>
  graph.node(type, type, [x, scalar(graph, value)]);
