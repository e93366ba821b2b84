import type { BatchNormAttributes } from '../ops/batch_norm.js';
import type { GroupNormAttributes } from '../ops/group_norm.js';
import type { ExportedNode } from './export-ops.js';

// Normalisations: ONNX has a weight and a bias for each, PyTorch may be without.

/** The names of weight and bias; ones and zeros where there are none. */
function affine({ graph, name, parameter }: ExportedNode, shape: readonly number[]): [string, string] {
  const size = shape.reduce((product, one) => product * one, 1);
  const constant = (which: string, value: number) =>
    graph.floats(`${name}.${which}`, new Float32Array(size).fill(value), shape);
  return [parameter('weight') ?? constant('weight', 1), parameter('bias') ?? constant('bias', 0)];
}

export function batchNorm(exported: ExportedNode): string {
  const { graph, node, name, inputs, parameter } = exported;
  const { eps, momentum } = node.attributes as BatchNormAttributes;
  const statistics = [parameter('running_mean'), parameter('running_var')];
  return graph.node(
    name,
    'BatchNormalization',
    [inputs[0], ...affine(exported, [node.output.shape[0]!]), ...statistics],
    // ONNX weighs what there was, PyTorch what is new; null (every batch weighs the same) cannot be said there.
    { epsilon: { float: eps }, ...(momentum !== null && { momentum: { float: 1 - momentum } }) },
  );
}

export function groupNorm(exported: ExportedNode): string {
  const { graph, node, name, inputs } = exported;
  const attributes = node.attributes as GroupNormAttributes;
  const { shape } = node.output;
  const epsilon = { float: attributes.eps };
  if ('normalizedShape' in attributes) {
    return graph.node(name, 'LayerNormalization', [inputs[0], ...affine(exported, shape)], {
      axis: 1,
      epsilon,
    });
  }
  const values = [inputs[0], ...affine(exported, [shape[0]!])];
  if (attributes.groups === null) return graph.node(name, 'InstanceNormalization', values, { epsilon });
  // Before that weights were one a group.
  graph.needs(21);
  return graph.node(name, 'GroupNormalization', values, { num_groups: attributes.groups, epsilon });
}
