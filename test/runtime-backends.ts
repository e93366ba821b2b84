import type { Backend } from '../src/backend/backend.js';
import { loadNative, nativeInstructionSets } from '../src/backend/native.node.js';
import { wasmLoader } from '../src/backend/wasm.node.js';
import { WASM_INSTRUCTION_SETS } from '../src/backend/wasm_module.js';
import { BackendUnavailableError } from '../src/index.node.js';

/** The native backend on one instruction set with a number of threads. */
export function native(isa: string, threads = 2): Backend {
  return loadNative({ threads, isa, fallbacks: [] });
}

/** One of the WebAssembly modules. */
export function wasm(isa = 'simd128', threads = 1): Backend {
  return wasmLoader.loadSync!({ threads, isa, fallbacks: [] });
}

/** Instruction sets of WebAssembly that this engine has. */
export function wasmInstructionSets(): string[] {
  return WASM_INSTRUCTION_SETS.filter((isa) => {
    try {
      wasm(isa);
      return true;
    } catch (error) {
      if (error instanceof BackendUnavailableError) return false;
      throw error;
    }
  });
}

/** One backend for each instruction set that this machine has, and every WebAssembly module that the engine runs. */
export function everyBackend(): [name: string, backend: Backend][] {
  const natives = nativeInstructionSets().map((isa): [string, Backend] => [`native ${isa}`, native(isa)]);
  const modules = wasmInstructionSets().flatMap((isa) =>
    [1, 2].map((threads): [string, Backend] => [`wasm ${isa}, threads: ${threads}`, wasm(isa, threads)]),
  );
  return [...natives, ...modules];
}
