import type { BackendLoader } from '../platform.js';
import { wasmLoaderFrom } from './wasm_loader.js';
import type { WasmInstructionSet } from './wasm_module.js';

/** The modules of one thread, each as base64 of gzip: scripts/embed.js writes them. */
export type EmbeddedModules = Readonly<Record<WasmInstructionSet, string>>;

/** A backend on modules that came with the script: nothing is fetched. */
export function embeddedWasmLoader(data: EmbeddedModules): BackendLoader {
  const modules = new Map<WasmInstructionSet, Promise<WebAssembly.Module>>();
  return wasmLoaderFrom({
    compile({ isa }) {
      const module = modules.get(isa) ?? inflate(data[isa]).then((bytes) => WebAssembly.compile(bytes));
      modules.set(isa, module);
      return module;
    },
    kernelSets: false,
    threads: 'twill/inline holds no modules with threads',
    remedy: 'use a browser with WebAssembly SIMD',
  });
}

function inflate(data: string): Promise<ArrayBuffer> {
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
}
