import type { BackendLoader } from '../platform.js';
import { wasmLoaderWith } from './wasm_loader.js';

/** A backend on a module that came as base64 of gzip, as scripts/embed.js writes it: nothing is fetched. */
export function embeddedWasmLoader(data: string): BackendLoader {
  const compile = async () => WebAssembly.compile(await inflate(data));
  return wasmLoaderWith(compile, 'use a browser with WebAssembly SIMD');
}

function inflate(data: string): Promise<ArrayBuffer> {
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
}
