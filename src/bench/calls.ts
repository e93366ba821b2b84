import type { Backend, Executable, Memory } from '../backend/backend.js';
import { flopsOf } from '../graph/arithmetic.js';
import { KIND } from '../graph/layout.js';
import { ALIGNMENT, align } from '../graph/plan.js';

/** One kernel call of a program, to be run by itself. */
export interface SingleCall {
  readonly kernel: string;
  /** Nominal arithmetic an image; 0 for kernels that mostly move data. */
  readonly flops: number;
  /** Of its operands, at the program's capacity: what it moves at least, where it passes by each of them once. */
  readonly bytes: number;
  run(batch: number): void;
}

/** A program as a backend was given it. */
export interface Recorded {
  readonly words: Int32Array;
  readonly memories: readonly Memory[];
}

/** A backend that keeps a copy of every program that is loaded on it. */
export function recording(backend: Backend): { backend: Backend; programs: Recorded[] } {
  const programs: Recorded[] = [];
  const load = (words: Int32Array, memories: readonly Memory[]): Executable => {
    programs.push({ words: words.slice(), memories });
    return backend.load(words, memories);
  };
  const { name, kernels } = backend;
  return {
    backend: {
      name,
      kernels,
      load,
      allocate: (bytes) => backend.allocate(bytes),
      info: () => backend.info(),
      dispose: () => backend.dispose(),
      disposed: false,
    },
    programs,
  };
}

// The words of native/runtime/program.h.
const HEADER = 10;
const BUFFER = 6;
const STAGE = 3;
const CALL = 3;

interface Call {
  readonly domain: number;
  readonly units: number;
  readonly words: readonly number[];
}

/**
 * Takes a program apart, into its calls one by one. A program walks the images in tiles and keeps what lives only
 * from one call to the next in a tile's room; here every buffer has room for the whole batch, so that each call finds
 * what the others left there. Runs all of them once. They work on the memory of the program that they come from.
 */
export function singleCalls(backend: Backend, { words, memories }: Recorded): SingleCall[] {
  const [magic, , capacity, slices, tile, threads, work, blocks, buffers, stages] =
    words as unknown as number[];
  const table = Array.from(words.subarray(HEADER, HEADER + buffers! * BUFFER));
  let room = 0;
  for (let at = 0; at < table.length; at += BUFFER) {
    const imageBytes = table[at + 5]!;
    if (table[at + 3] !== KIND.thread) continue;
    const bytes = align(imageBytes * capacity!);
    table.splice(at, BUFFER, blocks!, room / ALIGNMENT, bytes / ALIGNMENT, KIND.shared, 0, 0);
    room += bytes;
  }
  const all = [...memories, backend.allocate(Math.max(room, ALIGNMENT))];
  const program = (calls: readonly Call[]): Executable => {
    const coded = calls.flatMap(({ domain, units, words: call }) => [domain, units, 1, ...call]);
    const head = [magic!, 0, capacity!, slices!, tile!, threads!, work!, all.length, buffers!, calls.length];
    head[1] = head.length + table.length + coded.length;
    return backend.load(Int32Array.from([...head, ...table, ...coded]), all);
  };
  const calls = callsOf(words, HEADER + table.length, stages!);
  program(calls).run(capacity!);
  const kernels = [...backend.kernels.values()];
  return calls.map((call) => {
    const signature = kernels[call.words[0]!]!;
    const executable = program([call]);
    return {
      kernel: signature.name,
      flops: flopsOf(signature, call.words.slice(CALL)),
      bytes: bytesOf(call, table),
      run: (batch) => executable.run(batch),
    };
  });
}

/** Bytes of a call's operands, of which slices have an instance each that is not counted. */
function bytesOf({ words }: Call, table: readonly number[]): number {
  const operands = words.slice(CALL + words[1]!).filter((buffer) => buffer >= 0);
  return operands.reduce((sum, buffer) => sum + table[buffer * BUFFER + 2]! * ALIGNMENT, 0);
}

function callsOf(words: Int32Array, start: number, stages: number): Call[] {
  const calls: Call[] = [];
  let at = start;
  for (let stage = 0; stage < stages; stage++) {
    const [domain, units, count] = words.subarray(at, at + STAGE) as unknown as [number, number, number];
    at += STAGE;
    for (let i = 0; i < count; i++) {
      const size = CALL + words[at + 1]! + words[at + 2]!;
      calls.push({ domain, units, words: Array.from(words.subarray(at, at + size)) });
      at += size;
    }
  }
  return calls;
}
