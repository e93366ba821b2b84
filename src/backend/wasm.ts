import { BackendError } from '../errors.js';
import type { BackendRequest } from '../platform.js';
import type { Backend, BackendInfo, Executable, Memory, Values } from './backend.js';
import { type Allocation, LinearMemory } from './linear_memory.js';
import { type KernelRow, parseSignatures } from './signatures.js';

/** What wasm/exports.cc exports. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly __heap_base: WebAssembly.Global;
  _initialize?(): void;
  kernel_count(): number;
  kernel_text(kernel: number, part: number): number;
  check(words: number, count: number, blocks: number, blockCount: number): number;
  run(words: number, blocks: number, batch: number): void;
}

/** Why the build at hand does without what other builds have. */
const FALLBACKS = [
  'one thread: this build of the WebAssembly module has no shared memory',
  'no fused multiply-add: this build of the WebAssembly module keeps to baseline SIMD',
];

/** Frees what nobody disposed of, once nothing refers to its holder. */
const collector = new FinalizationRegistry<() => void>((release) => release());

/** Runs of one module, one at a time and in order, each in a task of its own so that events pass in between. */
class RunQueue {
  readonly #waiting: (() => void)[] = [];

  later(run: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => {
        try {
          resolve(run());
        } catch (error) {
          reject(error);
        }
      });
      afterEvents(() => this.#waiting.shift()?.());
    });
  }

  /** Completes what was asked for before, so that memory is read and written between two runs. */
  drain(): void {
    for (let run = this.#waiting.shift(); run; run = this.#waiting.shift()) run();
  }
}

/** Calls back in a task after the events that wait now. `setTimeout` would wait 4 ms when nested. */
function afterEvents(callback: () => void): void {
  if (typeof setImmediate === 'function') {
    setImmediate(callback);
    return;
  }
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    callback();
  };
  port2.postMessage(null);
}

function isDetached(array: Values): boolean {
  try {
    new Uint8Array(array.buffer);
    return false;
  } catch {
    return true;
  }
}

class WasmMemory implements Memory {
  readonly #heap: LinearMemory;
  readonly #queue: RunQueue;
  #allocation: Allocation | undefined;

  constructor(heap: LinearMemory, queue: RunQueue, bytes: number) {
    this.#heap = heap;
    this.#queue = queue;
    const allocation = heap.allocate(bytes);
    this.#allocation = allocation;
    collector.register(this, () => allocation.release(), this);
  }

  get bytes(): number {
    return this.#allocation?.bytes ?? 0;
  }

  write(source: Values, byteOffset = 0): void {
    const span = this.#span('write', source, byteOffset);
    span.set(new Uint8Array(source.buffer, source.byteOffset, source.byteLength));
  }

  read(target: Values, byteOffset = 0): void {
    const span = this.#span('read', target, byteOffset);
    new Uint8Array(target.buffer, target.byteOffset, target.byteLength).set(span);
  }

  dispose(): void {
    collector.unregister(this);
    this.#allocation?.release();
    this.#allocation = undefined;
  }

  /** The allocation behind a value that claims to be memory of the module whose heap is `heap`. */
  static allocationOf(memory: Memory, heap: LinearMemory): Allocation {
    if (!(typeof memory === 'object' && memory !== null && #heap in memory) || memory.#heap !== heap) {
      throw new BackendError('[memory] expected memory of this backend but got something else');
    }
    if (!memory.#allocation) throw new BackendError('[memory] was disposed');
    return memory.#allocation;
  }

  #span(verb: string, array: Values, byteOffset: number): Uint8Array {
    const where = `[memory] ${verb}`;
    if (!this.#allocation) throw new BackendError(`${where}: was disposed`);
    if (!ArrayBuffer.isView(array) || array instanceof DataView) {
      throw new BackendError(`${where}: expected a typed array`);
    }
    if (isDetached(array)) throw new BackendError(`${where}: the array's buffer is detached`);
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
    this.#queue.drain();
    return this.#heap.bytes(address + byteOffset, byteLength);
  }
}

class WasmExecutable implements Executable {
  readonly #exports: Exports;
  readonly #queue: RunQueue;
  readonly #capacity: number;
  readonly #words: number;
  readonly #blocks: number;
  #release: (() => void) | undefined;

  constructor(
    exports: Exports,
    heap: LinearMemory,
    queue: RunQueue,
    words: Int32Array,
    memories: readonly Memory[],
  ) {
    this.#exports = exports;
    this.#queue = queue;
    const held = memories.map((memory) => WasmMemory.allocationOf(memory, heap));
    const program = heap.allocate(words.byteLength);
    const blocks = heap.allocate(16 * held.length);
    heap.words(program.address, words.length).set(words);
    const table = heap.words(blocks.address, 4 * held.length);
    held.forEach(({ address, bytes }, i) => {
      // Allocations are whole units of 64 bytes, which is how a program counts.
      table.set([address, 0, Math.ceil(bytes / 64) * 64, 0], 4 * i);
    });
    const why = exports.check(program.address, words.length, blocks.address, held.length);
    if (why !== 0) {
      program.release();
      blocks.release();
      throw new BackendError(heap.text(why >>> 0));
    }
    for (const allocation of held) allocation.retain();
    const release = () => {
      for (const allocation of [program, blocks, ...held]) allocation.release();
    };
    this.#release = release;
    collector.register(this, release, this);
    this.#capacity = words[2]!;
    this.#words = program.address;
    this.#blocks = blocks.address;
  }

  run(batch: number): void {
    this.#checkBatch(batch);
    this.#queue.drain();
    this.#exports.run(this.#words, this.#blocks, batch);
  }

  async runAsync(batch: number): Promise<void> {
    this.#checkBatch(batch);
    await this.#queue.later(() => this.#exports.run(this.#words, this.#blocks, batch));
  }

  dispose(): void {
    this.#queue.drain();
    collector.unregister(this);
    this.#release?.();
    this.#release = undefined;
  }

  #checkBatch(batch: number): void {
    if (!this.#release) throw new BackendError('[program] was disposed');
    if (!Number.isInteger(batch) || batch < 1 || batch > this.#capacity) {
      throw new BackendError(
        `[program] the batch must be a whole number from 1 to ${this.#capacity} but is ${batch}`,
      );
    }
  }
}

class WasmBackend implements Backend {
  readonly name = 'wasm';
  readonly kernels;
  readonly #exports: Exports;
  readonly #heap: LinearMemory;
  readonly #queue = new RunQueue();
  readonly #info: BackendInfo;

  constructor(instance: WebAssembly.Instance, fallbacks: readonly string[]) {
    const exports = instance.exports as unknown as Exports;
    exports._initialize?.();
    this.#exports = exports;
    this.#heap = new LinearMemory(exports.memory, exports.__heap_base.value >>> 0);
    const text = (kernel: number, part: number) => this.#heap.text(exports.kernel_text(kernel, part) >>> 0);
    const rows = Array.from({ length: exports.kernel_count() }, (_, kernel): KernelRow => [
      text(kernel, 0),
      text(kernel, 1),
      text(kernel, 2),
      text(kernel, 3),
    ]);
    this.kernels = parseSignatures(rows);
    this.#info = Object.freeze({
      backend: 'wasm',
      isa: 'simd128',
      threads: 1,
      fallbacks: Object.freeze([...fallbacks, ...FALLBACKS]),
    });
  }

  allocate(bytes: number): Memory {
    return new WasmMemory(this.#heap, this.#queue, bytes);
  }

  load(words: Int32Array, memories: readonly Memory[]): Executable {
    return new WasmExecutable(this.#exports, this.#heap, this.#queue, words, memories);
  }

  info(): BackendInfo {
    return this.#info;
  }
}

/** A backend on an instance of dist/wasm/twill.wasm, which imports nothing. */
export function wasmBackend(instance: WebAssembly.Instance, { fallbacks }: BackendRequest): Backend {
  return new WasmBackend(instance, fallbacks);
}
