import type { Memory } from '../backend/backend.js';
import type { Buffer, Operands } from '../ops/op.js';
import type { Parameter } from './parameter.js';
import type { ParameterBlock } from './placement.js';
import type { ProgramBuilder } from './program.js';

const FLOAT = Float32Array.BYTES_PER_ELEMENT;

/** Floats from one group's numbers (`hyper`) to the next: buffers begin at multiples of 64 bytes. */
export const HYPER_FLOATS = 16;

/** What changes the parameters, after the gradients of the whole batch are there. */
export interface UpdateRequest {
  /** The group of parameters that one belongs to: those of a group lie side by side. Default all in group 0. */
  groupOf?: (parameter: Parameter) => number;
  emit: (update: UpdateEmitter) => void;
  /**
   * The memory of a state by name: it outlives the program. `block` says that there is a float for each parameter of
   * it, at the parameter's place.
   */
  state: (name: string, bytes: number, block: ParameterBlock | undefined) => Memory;
}

/** Trainable parameters of a group, side by side, their gradients likewise. */
export interface UpdateRange {
  readonly group: number;
  readonly count: number;
  readonly parameters: Buffer;
  readonly gradients: Buffer;
  /** A float for each of the parameters that is kept between runs, zero at first. */
  readonly state: (name: string) => Buffer;
}

/** What an update rule sees: all trainable parameters, and the groups that they form. */
export interface UpdateEmitter {
  readonly all: UpdateRange;
  readonly ranges: readonly UpdateRange[];
  /** Numbers that are written before a run, by byte ranges that begin at multiples of 64. */
  numbers(name: string, floats: number): (start: number, floats: number) => Buffer;
  /** Memory of this run alone. */
  whole(bytes: number): Buffer;
  /** Operands `losses` and `norm` are filled in. */
  call(kernel: string, params: Readonly<Record<string, number>>, operands: Operands): void;
  /** The gradients' norm, from now on: where it is not finite nothing changes. */
  setNorm(norm: Buffer): void;
}

/** Emits what `request` wants of the gradients of a block. Returns their norm, where it is computed. */
export function emitUpdate(
  builder: ProgramBuilder,
  request: UpdateRequest,
  block: ParameterBlock,
  gradients: Buffer,
  losses: Buffer | undefined,
): Buffer | undefined {
  const range = (group: number, start: number, end: number): UpdateRange => ({
    group,
    count: (end - start) / FLOAT,
    parameters: builder.bound(block.memory, start, end - start),
    gradients: builder.view(gradients, start, end - start),
    state: (name) => builder.bound(request.state(name, block.bytes, block), start, end - start),
  });
  let norm: Buffer | undefined;
  request.emit({
    all: range(0, 0, block.bytes),
    ranges: groupRanges(block, request.groupOf).map(({ group, start, end }) => range(group, start, end)),
    numbers(name, floats) {
      const memory = request.state(name, floats * FLOAT, undefined);
      return (start, count) => builder.bound(memory, start * FLOAT, count * FLOAT);
    },
    whole: (bytes) => builder.whole(bytes),
    call: (kernel, params, operands) =>
      builder.call(kernel, params, { losses, norm, ...operands }, 'epilogue'),
    setNorm(buffer) {
      norm = buffer;
      // Whoever comes next reads what one thread has written.
      builder.barrier('epilogue');
    },
  });
  return norm;
}

/** The byte ranges of the groups in a block that `inGroups` has ordered. */
function groupRanges({ offsets, bytes }: ParameterBlock, groupOf: UpdateRequest['groupOf']) {
  const ranges: { group: number; start: number; end: number }[] = [];
  for (const [parameter, start] of offsets) {
    const group = groupOf?.(parameter) ?? 0;
    const last = ranges.at(-1);
    if (last && last.group !== group) last.end = start;
    if (last?.group !== group) ranges.push({ group, start, end: bytes });
  }
  return ranges;
}
