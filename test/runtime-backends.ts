import type { Backend } from '../src/backend/backend.js';
import { loadNative, nativeInstructionSets } from '../src/backend/native.node.js';
import { wasmLoader } from '../src/backend/wasm.node.js';

/** The native backend on one instruction set with a number of threads. */
export function native(instructionSet: string, threads = 2): Backend {
  return loadNative({ threads, fallbacks: [] }, instructionSet);
}

export function wasm(): Backend {
  return wasmLoader.loadSync!({ fallbacks: [] });
}

/** One backend for each instruction set that this machine has, and WebAssembly. */
export function everyBackend(): [name: string, backend: Backend][] {
  const natives = nativeInstructionSets().map((name): [string, Backend] => [`native ${name}`, native(name)]);
  return [...natives, ['wasm', wasm()]];
}
