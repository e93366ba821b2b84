import type { Buffer } from '../ops/op.js';
import type { GraphNode } from './graph.js';
import type { Parameter } from './parameter.js';
import { layOutBlock, type ParameterBlock } from './placement.js';
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

/** Those of a graph's parameters whose gradient its ops give whole, without partial sums. */
export function wholeGradients(nodes: readonly GraphNode[]): ReadonlySet<Parameter> {
  return new Set(
    nodes.flatMap((node) =>
      (node.op.wholeGradients?.(node) ?? []).flatMap((name) => node.parameters[name] ?? []),
    ),
  );
}

/** Partial sums of a parameter's gradient beside those in the block: it is used more than once. */
export interface ExtraGradient {
  readonly parameter: Parameter;
  readonly partials: Buffer;
}

/** Where the gradients of a block's parameters lie, and the partial sums that they are made of. */
export interface GradientBlock {
  /** Side by side as the parameters do. */
  readonly gradients: Buffer;
  readonly partials: Partials;
  /** Byte offset of a parameter's partial sums; none has one whose gradient comes whole. */
  readonly sums: ReadonlyMap<Parameter, number>;
}

export function placeGradients(
  builder: ProgramBuilder,
  { bytes, offsets }: ParameterBlock,
  whole: ReadonlySet<Parameter>,
): GradientBlock {
  const sums = layOutBlock([...offsets.keys()].filter((parameter) => !whole.has(parameter)));
  return {
    gradients: builder.whole(bytes),
    partials: builder.partials(sums.bytes),
    sums: sums.offsets,
  };
}

/** Adds up the partial sums of all gradients. */
export function reduceGradients(
  builder: ProgramBuilder,
  { bytes, offsets }: ParameterBlock,
  { gradients, partials, sums }: GradientBlock,
  transposed: TransposedGradients,
  extra: readonly ExtraGradient[],
): void {
  const reduce = (partials: Buffer, sum: Buffer, size: number, accumulate: 0 | 1) =>
    builder.call('reduce_partials', { count: size / FLOAT, accumulate }, { partials, sum }, 'epilogue');
  const runs = runsOf({ bytes, offsets }, sums, transposed);
  const turned = runs.filter((run) => run.turned);
  const untransposed = turned.length > 0 ? builder.whole(turned.at(-1)!.end) : gradients;
  for (const { start, end, turned, from } of runs) {
    const sum = builder.view(turned ? untransposed : gradients, start, end - start);
    reduce(partials.all(from, end - start), sum, end - start, 0);
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
}

/**
 * Neighbours in a block that are added up by one call: those that come transposed, and those that do not. `from` is where
 * their partial sums begin, side by side as well.
 */
function runsOf(
  { bytes, offsets }: Pick<ParameterBlock, 'bytes' | 'offsets'>,
  sums: ReadonlyMap<Parameter, number>,
  transposed: TransposedGradients,
) {
  const runs: { turned: boolean; start: number; end: number; from: number }[] = [];
  let open: (typeof runs)[number] | undefined;
  for (const [parameter, start] of offsets) {
    const from = sums.get(parameter);
    const turned = transposed.has(parameter);
    if (open && (from === undefined || open.turned !== turned)) {
      open.end = start;
      open = undefined;
    }
    if (from !== undefined && !open) runs.push((open = { turned, start, end: bytes, from }));
  }
  return runs;
}
