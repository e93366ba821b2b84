import type { Backend, Executable, Memory, Values } from '../backend/backend.js';
import { BackendError } from '../errors.js';
import type { Buffer, Operands } from '../ops/op.js';
import { isByImage, rowsOf, workOf } from './arithmetic.js';
import { type Call, KIND, type Layout, layOut, MAX_SLICES, type Role, type Stage } from './layout.js';
import { ALIGNMENT, align } from './plan.js';

// The words of native/runtime/program.h.
const MAGIC = 0x4c575431;
const DOMAIN = { images: 0, elements: 1, rows: 2 } as const;
/** Operations that are worth a band of rows of their own: some 4 us, where a barrier takes half a microsecond. */
const BAND_WORK = 1e6;

const STRIDE = 'slice_stride';

/** Ranges of reserved partial sums: every instance, for adding them up, or the one of the slice at hand. */
export interface Partials {
  all(byteOffset: number, bytes: number): Buffer;
  part(byteOffset: number, bytes: number): Buffer;
}

type Section = 'prologue' | 'body' | 'epilogue';

/** A loaded program: it runs, and its external buffers can be written and read. */
export class Program {
  readonly capacity: number;
  /** Bytes of the program's own memory: activations, gradients, scratch. */
  readonly bytes: number;
  readonly #executable: Executable;
  readonly #memory: Memory;
  /** Byte offset of each buffer in the program's memory; -1 where it cannot be reached from outside. */
  readonly #offsets: readonly number[];

  constructor(executable: Executable, memory: Memory, offsets: readonly number[], capacity: number) {
    this.#executable = executable;
    this.#memory = memory;
    this.#offsets = offsets;
    this.capacity = capacity;
    this.bytes = memory.bytes;
  }

  write(buffer: Buffer, values: Values): void {
    this.#memory.write(values, this.#offsets[buffer.id]!);
  }

  read(buffer: Buffer, target: Values): void {
    this.#memory.read(target, this.#offsets[buffer.id]!);
  }

  run(batch: number): void {
    this.#executable.run(batch);
  }

  runAsync(batch: number): Promise<void> {
    return this.#executable.runAsync(batch);
  }

  dispose(): void {
    this.#executable.dispose();
    this.#memory.dispose();
  }
}

/** Collects kernel calls and buffers, then plans the memory and encodes the words. */
export class ProgramBuilder {
  readonly #backend: Backend;
  readonly #capacity: number;
  readonly #bands: number;
  readonly #roles: Role[] = [];
  readonly #sections: Record<Section, Stage[]> = { prologue: [], body: [], epilogue: [] };
  #partialBytes = 0;

  /** `byRows`: cut images into bands of rows where there are too few of them to share out. */
  constructor(backend: Backend, capacity: number, { byRows = false } = {}) {
    this.#backend = backend;
    this.#capacity = capacity;
    this.#bands = byRows ? Math.ceil(MAX_SLICES / capacity) : 1;
  }

  bound(memory: Memory, byteOffset: number, bytes: number): Buffer {
    return this.#add({ kind: 'bound', memory, byteOffset, bytes });
  }

  whole(bytes: number): Buffer {
    return this.#add({ kind: 'whole', bytes });
  }

  batch(bytesPerImage: number, external = false): Buffer {
    return this.#add({ kind: 'batch', bytesPerImage, external });
  }

  /** A part of a `whole` buffer. */
  view(of: Buffer, byteOffset: number, bytes: number): Buffer {
    return this.#add({ kind: 'view', of: of.id, byteOffset, bytes });
  }

  /** Reserves partial sums of `bytes`. */
  partials(bytes: number): Partials {
    const start = this.#partialBytes;
    this.#partialBytes += align(bytes);
    const range = (all: boolean) => (byteOffset: number, size: number) =>
      this.#add({ kind: 'partial', byteOffset: start + byteOffset, bytes: size, all });
    return { all: range(true), part: range(false) };
  }

  /** Every instance of partial sums of which `part` is the one of the slice at hand. */
  everySlice(part: Buffer): Buffer {
    const role = this.#roles[part.id]!;
    if (role.kind !== 'partial') throw new BackendError(`buffer ${part.id} holds no partial sums`);
    return this.#add({ ...role, all: true });
  }

  /**
   * Adds a call to the end of a section; it joins the last stage where that has the same units. A parameter
   * `slice_stride`, the floats from one instance of the partial sums to the next, is filled in.
   */
  call(
    kernel: string,
    params: Readonly<Record<string, number>>,
    operands: Operands,
    section: Section = 'body',
  ): void {
    const signature = this.#backend.kernels.get(kernel);
    if (!signature) throw new BackendError(missing(kernel, this.#backend));
    const call: Call = {
      signature,
      params: signature.params.map((name) => (name === STRIDE ? 0 : word(kernel, name, params[name]))),
      operands: signature.operands.map(({ name, optional }) => {
        const buffer = operands[name];
        if (!buffer && !optional) throw new BackendError(`[${kernel}] operand ${name} is missing`);
        return buffer ? buffer.id : -1;
      }),
    };
    const { domain, units } = this.#cut(call);
    const stages = this.#sections[section];
    const last = stages.at(-1);
    // What follows in a band may need other bands' rows.
    const joins = last && domain !== 'rows' && last.domain === domain && last.units === units;
    if (joins) last.calls.push(call);
    else stages.push({ domain, units, calls: [call] });
  }

  /** How a call's work is cut into pieces. */
  #cut({ signature, params }: Call): Pick<Stage, 'domain' | 'units'> {
    if (signature.domain === 'elements') return { domain: 'elements', units: params[0]! };
    if (signature.domain === 'images' || this.#bands === 1) return { domain: 'images', units: 0 };
    const worth = Math.floor(workOf(signature, params) / BAND_WORK);
    const bands = Math.min(this.#bands, worth, rowsOf(signature, params));
    return bands > 1 ? { domain: 'rows', units: bands } : { domain: 'images', units: 0 };
  }

  /** Makes what follows wait until all that came before is complete for the whole batch. */
  barrier(section: Section = 'body'): void {
    this.#sections[section].push({ domain: 'images', units: 0, calls: [] });
  }

  /** Plans, allocates and loads. Throws `BackendError` where the backend refuses the memory or the program. */
  build(): Program {
    const { prologue, body, epilogue } = this.#sections;
    const stages = [...prologue, ...body, ...epilogue].filter(({ calls }) => calls.length > 0);
    this.#fillStrides(stages);
    const layout = layOut(
      this.#roles,
      stages,
      this.#capacity,
      this.#partialBytes,
      this.#backend.info().threads,
    );
    const memory = this.#backend.allocate(layout.bytes);
    const blocks = [memory, ...layout.boundMemories];
    const executable = this.#backend.load(encode(layout, stages, this.#capacity, blocks.length), blocks);
    const offsets = layout.entries.map(({ block, kind, offset }) =>
      block === 0 && kind === KIND.shared ? offset : -1,
    );
    return new Program(executable, memory, offsets, this.#capacity);
  }

  /** Known once all partial sums are reserved. */
  #fillStrides(stages: readonly Stage[]): void {
    const stride = this.#partialBytes / Float32Array.BYTES_PER_ELEMENT;
    for (const { signature, params } of stages.flatMap(({ calls }) => calls)) {
      const at = signature.params.indexOf(STRIDE);
      if (at >= 0) params[at] = stride;
    }
  }

  #add(role: Role): Buffer {
    return { id: this.#roles.push(role) - 1 };
  }
}

function missing(kernel: string, backend: Backend): string {
  const { kernels } = backend.info();
  const remedy = kernels ? `, for it was loaded with \`kernels: '${kernels}'\`: load one that has all` : '';
  return `the ${backend.name} backend has no kernel ${kernel}${remedy}`;
}

function word(kernel: string, name: string, value: number | undefined): number {
  if (value === undefined || !Number.isInteger(value) || value < -(2 ** 31) || value >= 2 ** 31) {
    throw new BackendError(`[${kernel}] parameter ${name} has to be a 32-bit whole number but is ${value}`);
  }
  return value;
}

/** The work of an image, that of whole runs shared out among the images of a full one. */
function kiloflops(stages: readonly Stage[], capacity: number): number {
  const total = stages
    .flatMap(({ calls }) => calls)
    .map(({ signature, params }) => workOf(signature, params) / (isByImage(signature) ? 1 : capacity))
    .reduce((sum, work) => sum + work, 0);
  return Math.min(2 ** 31 - 1, Math.round(total / 1000));
}

function encode(layout: Layout, stages: readonly Stage[], capacity: number, blocks: number): Int32Array {
  const { entries, tile, threads } = layout;
  const work = kiloflops(stages, capacity);
  const words = [MAGIC, 0, capacity, MAX_SLICES, tile, threads, work, blocks, entries.length, stages.length];
  const units = (bytes: number) => {
    if (bytes / ALIGNMENT >= 2 ** 31)
      throw new BackendError(`a buffer at ${bytes} bytes is beyond what a program can hold`);
    return Math.ceil(bytes / ALIGNMENT);
  };
  for (const { block, offset, bytes, kind, stride, imageBytes } of entries) {
    words.push(block, units(offset), units(bytes), kind, units(stride), imageBytes);
  }
  for (const { domain, units: count, calls } of stages) {
    words.push(DOMAIN[domain], count, calls.length);
    for (const { signature, params, operands } of calls) {
      words.push(signature.id, params.length, operands.length, ...params, ...operands);
    }
  }
  words[1] = words.length;
  return Int32Array.from(words);
}
