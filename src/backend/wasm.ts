import { BackendError } from '../errors.js';
import type { Backend, BackendInfo, Executable, Memory, Values } from './backend.js';
import type { Allocation, LinearMemory } from './linear_memory.js';
import { type KernelRow, parseSignatures } from './signatures.js';
import type { Instance } from './wasm_module.js';
import { type Run, Runs } from './wasm_runs.js';
import type { Team } from './wasm_team.js';

/** Frees what nobody disposed of, once nothing refers to its holder. */
const collector = new FinalizationRegistry<() => void>((release) => release());

/**
 * What makes the engine's collector feel `bytes` of the module's memory, which it does not see: without it, trainers
 * that were dropped are found so late that WebAssembly's memory, which never shrinks, grows on with every record of
 * what lay about. A resizable buffer is address space alone: its pages are counted, but nobody touches them.
 */
function weightOf(bytes: number): ArrayBuffer | undefined {
  try {
    return bytes < 2 ** 14 ? undefined : new ArrayBuffer(bytes, { maxByteLength: bytes });
  } catch {
    // Without address space for it the memory itself is there all the same.
    return undefined;
  }
}

/** Nothing where its buffer is detached. */
function bytesOf({ buffer, byteOffset, byteLength }: Values): Uint8Array | undefined {
  try {
    return new Uint8Array(buffer, byteOffset, byteLength);
  } catch {
    return undefined;
  }
}

class WasmMemory implements Memory {
  readonly #heap: LinearMemory;
  readonly #runs: Runs;
  #allocation: Allocation | undefined;
  /** Held for its size, which the engine counts. */
  weight: ArrayBuffer | undefined;

  constructor(heap: LinearMemory, runs: Runs, bytes: number) {
    this.#heap = heap;
    this.#runs = runs;
    const allocation = heap.allocate(bytes);
    this.#allocation = allocation;
    this.weight = weightOf(bytes);
    collector.register(this, allocation.release, this);
  }

  get bytes(): number {
    return this.#allocation?.bytes ?? 0;
  }

  write(source: Values, byteOffset = 0): void {
    const [span, values] = this.#spans('write', source, byteOffset);
    span.set(values);
  }

  read(target: Values, byteOffset = 0): void {
    const [span, values] = this.#spans('read', target, byteOffset);
    values.set(span);
  }

  dispose(): void {
    collector.unregister(this);
    this.#allocation?.release();
    this.#allocation = this.weight = undefined;
  }

  /** The allocation behind a value that claims to be memory of the module whose heap is `heap`. */
  static allocationOf(memory: Memory, heap: LinearMemory): Allocation {
    if (!(typeof memory === 'object' && memory !== null && #heap in memory) || memory.#heap !== heap) {
      throw new BackendError('[memory] expected memory of this backend but got something else');
    }
    if (!memory.#allocation) throw new BackendError('[memory] was disposed');
    return memory.#allocation;
  }

  /** The bytes from `byteOffset` on that an array holds or is to hold, and the array's. */
  #spans(verb: string, array: Values, byteOffset: number): [Uint8Array, Uint8Array] {
    const where = `[memory] ${verb}`;
    if (!this.#allocation) throw new BackendError(`${where}: was disposed`);
    if (!ArrayBuffer.isView(array) || array instanceof DataView) {
      throw new BackendError(`${where}: expected a typed array`);
    }
    const values = bytesOf(array);
    if (!values) throw new BackendError(`${where}: the array's buffer is detached`);
    if (!Number.isSafeInteger(byteOffset) || byteOffset < 0) {
      throw new BackendError(`${where}: the offset must be a whole number of bytes`);
    }
    const { byteLength } = array;
    const { address, bytes } = this.#allocation;
    if (byteOffset > bytes - byteLength) {
      throw new BackendError(
        `${where}: ${byteLength} bytes at ${byteOffset} reach past the end of ${bytes} bytes`,
      );
    }
    this.#runs.drain();
    return [this.#heap.bytes(address + byteOffset, byteLength), values];
  }
}

class WasmExecutable implements Executable {
  readonly #runs: Runs;
  readonly #capacity: number;
  readonly #words: number;
  readonly #blocks: number;
  #release: (() => void) | undefined;

  constructor({ exports, heap }: Instance, runs: Runs, words: Int32Array, memories: readonly Memory[]) {
    this.#runs = runs;
    const held = memories.map((memory) => WasmMemory.allocationOf(memory, heap));
    const program = heap.allocate(words.byteLength + 16 * held.length + 8);
    const blocks = program.address + Math.ceil(words.byteLength / 8) * 8;
    heap.words(program.address, words.length).set(words);
    const table = heap.words(blocks, 4 * held.length);
    held.forEach(({ address, bytes }, i) => {
      // Allocations are whole units of 64 bytes, which is how a program counts.
      table.set([address, 0, Math.ceil(bytes / 64) * 64, 0], 4 * i);
    });
    const why = exports.check(program.address, words.length, blocks, held.length);
    if (why !== 0) {
      program.release();
      throw new BackendError(heap.text(why >>> 0));
    }
    for (const allocation of held) allocation.retain();
    const release = () => {
      for (const allocation of [program, ...held]) allocation.release();
    };
    this.#release = release;
    collector.register(this, release, this);
    this.#capacity = words[2]!;
    this.#words = program.address;
    this.#blocks = blocks;
  }

  run(batch: number): void {
    this.#runs.now(this.#on(batch));
  }

  async runAsync(batch: number): Promise<void> {
    await this.#runs.later(this.#on(batch));
  }

  dispose(): void {
    this.#runs.drain();
    collector.unregister(this);
    this.#release?.();
    this.#release = undefined;
  }

  #on(batch: number): Run {
    if (!this.#release) throw new BackendError('[program] was disposed');
    if (!Number.isInteger(batch) || batch < 1 || batch > this.#capacity) {
      throw new BackendError(
        `[program] the batch must be a whole number from 1 to ${this.#capacity} but is ${batch}`,
      );
    }
    return { words: this.#words, blocks: this.#blocks, batch, holder: this };
  }
}

/** A backend on an instance of one of the modules in dist/wasm. */
export class WasmBackend implements Backend {
  readonly name = 'wasm';
  readonly kernels;
  readonly #instance: Instance;
  readonly #runs: Runs;
  #team: Team | undefined;
  #info: BackendInfo;
  #disposed = false;

  constructor(instance: Instance) {
    const { exports, heap, variant } = instance;
    this.#instance = instance;
    this.#runs = new Runs(exports);
    const text = (kernel: number, part: number) => heap.text(exports.kernel_text(kernel, part) >>> 0);
    const rows = Array.from({ length: exports.kernel_count() }, (_, kernel): KernelRow => [
      text(kernel, 0),
      text(kernel, 1),
      text(kernel, 2),
      text(kernel, 3),
    ]);
    this.kernels = parseSignatures(rows);
    const { isa, kernels } = variant;
    this.#info = { backend: 'wasm', isa, threads: 1, ...(kernels !== 'all' && { kernels }), fallbacks: [] };
  }

  /** From now on with these threads. */
  useTeam(team: Team): void {
    this.#team = team;
    this.#runs.useTeam(team);
    this.#info = { ...this.#info, threads: team.threads };
  }

  /** It is the one that was chosen, and these are the reasons why not a better one. */
  explain(fallbacks: readonly string[]): this {
    this.#info = Object.freeze({ ...this.#info, fallbacks: Object.freeze([...fallbacks]) });
    return this;
  }

  allocate(bytes: number): Memory {
    this.#checkUse();
    return new WasmMemory(this.#instance.heap, this.#runs, bytes);
  }

  load(words: Int32Array, memories: readonly Memory[]): Executable {
    this.#checkUse();
    return new WasmExecutable(this.#instance, this.#runs, words, memories);
  }

  info(): BackendInfo {
    return this.#info;
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#runs.drain();
    this.#team?.terminate();
  }

  #checkUse(): void {
    if (this.#disposed) throw new BackendError('[backend] was disposed');
  }
}
