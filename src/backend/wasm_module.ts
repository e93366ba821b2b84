import { OutOfMemoryError } from '../errors.js';
import type { KernelSet } from './kernel_sets.js';
import { LinearMemory } from './linear_memory.js';

/** Instruction sets that the modules are compiled for, best first: `relaxed-simd128` has fused multiply-add. */
export const WASM_INSTRUCTION_SETS = ['relaxed-simd128', 'simd128'] as const;
export type WasmInstructionSet = (typeof WASM_INSTRUCTION_SETS)[number];

/** One of the modules that wasm/module.cmake builds. */
export interface Variant {
  readonly isa: WasmInstructionSet;
  /** Whether its memory is shared and it can run in a team of threads. */
  readonly threads: boolean;
  readonly kernels: KernelSet;
}

/** `twill-relaxed-simd128-threads-train.wasm`: its file in dist/wasm. */
export function fileOf({ isa, threads, kernels }: Variant): string {
  return `twill-${isa}${threads ? '-threads' : ''}${kernels === 'all' ? '' : `-${kernels}`}.wasm`;
}

/** What wasm/exports.cc exports; pointers are addresses, and 1 and 0 are true and false. */
export interface Exports {
  readonly __heap_base: WebAssembly.Global;
  kernel_count(): number;
  kernel_text(kernel: number, part: number): number;
  check(words: number, count: number, blocks: number, blockCount: number): number;
  team(words: number, batch: number, threads: number): number;
  multiply_add(a: number, b: number, c: number): number;
  run(words: number, blocks: number, batch: number): void;
}

/** What the modules with threads export beyond that. */
export interface TeamExports extends Exports {
  run_in_team(words: number, blocks: number, batch: number, threads: number, mayBlock: number): void;
  submit(words: number, blocks: number, batch: number, threads: number): void;
  finish(mayBlock: number): void;
  await_members(members: number, milliseconds: number): number;
  /** Gives the team up: whoever waits for it goes on. */
  abandon(): void;
  /** 1 where somebody did. */
  abandoned(): number;
}

/** A module that was instantiated, with its memory. */
export interface Instance {
  readonly variant: Variant;
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly exports: Exports;
  readonly heap: LinearMemory;
}

const PAGE = 65536;
/** As the linker was told (wasm/module.cmake): 1 MB at first, 4 GB at most. */
const INITIAL_PAGES = 16;
const MAXIMUM_PAGES = 65536;
/** A thread's stack; the first one's lies where the linker puts it. */
export const STACK_BYTES = 256 * 1024;

/** A memory that the modules take, as much as can be had: an engine may reserve for shared memory all it may become. */
function createMemory(shared: boolean): { memory: WebAssembly.Memory; maximum: number } {
  for (let maximum = MAXIMUM_PAGES; ; maximum /= 2) {
    try {
      return {
        memory: new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum, shared }),
        maximum: maximum * PAGE,
      };
    } catch (error) {
      if (maximum > 2 * INITIAL_PAGES) continue;
      const bytes = INITIAL_PAGES * PAGE;
      throw new OutOfMemoryError(
        `[memory] cannot allocate ${bytes} bytes: ${(error as Error).message}`,
        bytes,
      );
    }
  }
}

/** What an instance imports, and what becomes of the instance. */
export function preparation(variant: Variant, module: WebAssembly.Module) {
  const { memory, maximum } = createMemory(variant.threads);
  return {
    imports: { env: { memory } },
    complete(instance: WebAssembly.Instance): Instance {
      const exports = instance.exports as unknown as Exports;
      const heap = new LinearMemory(memory, exports.__heap_base.value >>> 0, maximum);
      return { variant, module, memory, exports, heap };
    },
  };
}
