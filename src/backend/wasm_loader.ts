import type { BackendLoader, BackendRequest } from '../platform.js';
import { wasmBackend } from './wasm.js';

/** A loader that compiles the module once, whatever asks for it, with `compile`. */
export function wasmLoaderWith(
  compile: (request: BackendRequest) => Promise<WebAssembly.Module>,
  remedy: string,
): BackendLoader {
  let compiled: Promise<WebAssembly.Module> | undefined;
  return {
    async load(request) {
      compiled ??= compile(request);
      try {
        return wasmBackend(await WebAssembly.instantiate(await compiled), request);
      } catch (error) {
        compiled = undefined; // a server that was down may be up at the next call
        throw error;
      }
    },
    remedy,
  };
}
