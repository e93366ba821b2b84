import type { Buffer } from '../ops/op.js';
import type { GraphNode } from './graph.js';
import type { Parameter } from './parameter.js';
import type { ParameterBlock } from './placement.js';
import type { Partials, ProgramBuilder } from './program.js';

const FLOAT = Float32Array.BYTES_PER_ELEMENT;

/** Parameters whose gradient comes as [groups][OC/G][taps * IC/G], with those sizes. */
export type TransposedGradients = ReadonlyMap<Parameter, readonly [number, number, number]>;

/** Those of a graph's parameters whose gradient its ops give transposed. */
export function transposedGradients(nodes: readonly GraphNode[]): TransposedGradients {
  const found = new Map<Parameter, readonly [number, number, number]>();
  for (const { op, parameters, attributes } of nodes) {
    for (const name of op.transposedGradients ?? []) {
      const parameter = parameters[name];
      if (!parameter) continue;
      const { groups = 1 } = attributes as { groups?: number };
      const [OC] = parameter.shape as [number];
      found.set(parameter, [groups, OC / groups, parameter.size / OC]);
    }
  }
  return found;
}

/** Partial sums of a parameter's gradient beside those in the block: it is used more than once. */
export interface ExtraGradient {
  readonly parameter: Parameter;
  readonly partials: Buffer;
}

/** Adds up the partial sums of all gradients, so that they lie side by side as the parameters do. */
export function reduceGradients(
  builder: ProgramBuilder,
  { bytes, offsets }: ParameterBlock,
  partials: Partials,
  transposed: TransposedGradients,
  extra: readonly ExtraGradient[],
): Buffer {
  const reduce = (sums: Buffer, sum: Buffer, size: number, accumulate: 0 | 1) =>
    builder.call('reduce_partials', { count: size / FLOAT, accumulate }, { partials: sums, sum }, 'epilogue');
  const gradients = builder.whole(bytes);
  const runs = runsOf({ bytes, offsets }, transposed);
  const turned = runs.filter((run) => run.turned);
  const untransposed = turned.length > 0 ? builder.whole(turned.at(-1)!.end) : gradients;
  for (const { start, end, turned } of runs) {
    const sum = builder.view(turned ? untransposed : gradients, start, end - start);
    reduce(partials.all(start, end - start), sum, end - start, 0);
  }
  for (const [parameter, offset] of offsets) {
    const sizes = transposed.get(parameter);
    if (!sizes) continue;
    const [groups, OC, rows] = sizes;
    const size = parameter.size * FLOAT;
    // Seen as a weight of OC inputs and `rows` outputs, its transpose is what we want.
    builder.call(
      'weight_transpose',
      { count: groups * rows, groups, taps: 1, IC: OC, OC: rows },
      {
        weight: builder.view(untransposed, offset, size),
        weight_t: builder.view(gradients, offset, size),
      },
      'epilogue',
    );
  }
  for (const { parameter, partials: more } of extra) {
    const size = parameter.size * FLOAT;
    reduce(more, builder.view(gradients, offsets.get(parameter)!, size), size, 1);
  }
  return gradients;
}

/** Neighbours in a block that are added up by one call: those that come transposed, and those that do not. */
function runsOf(
  { bytes, offsets }: Pick<ParameterBlock, 'bytes' | 'offsets'>,
  transposed: TransposedGradients,
) {
  const runs: { turned: boolean; start: number; end: number }[] = [];
  for (const [parameter, start] of offsets) {
    const turned = transposed.has(parameter);
    const last = runs.at(-1);
    if (last && last.turned !== turned) last.end = start;
    if (last?.turned !== turned) runs.push({ turned, start, end: bytes });
  }
  return runs;
}
