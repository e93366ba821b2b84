import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { BackendLoader } from '../platform.js';
import { wasmBackend } from './wasm.js';

/** From dist/backend, and from src/backend in a clone. */
const CANDIDATES = ['../wasm/twill.wasm', '../../dist/wasm/twill.wasm'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
);

let compiled: WebAssembly.Module | undefined;

function compile(): WebAssembly.Module {
  const reasons: string[] = [];
  for (const path of CANDIDATES) {
    try {
      return new WebAssembly.Module(readFileSync(path));
    } catch (error) {
      reasons.push(`${path}: ${error instanceof Error ? error.message : error}`);
    }
  }
  throw new Error(reasons.join('; '));
}

const loadSync: NonNullable<BackendLoader['loadSync']> = (request) => {
  compiled ??= compile();
  return wasmBackend(new WebAssembly.Instance(compiled), request);
};

export const wasmLoader: BackendLoader = {
  load: async (request) => loadSync(request),
  loadSync,
  remedy: 'run `npm run setup` in a clone, or reinstall the package',
};
