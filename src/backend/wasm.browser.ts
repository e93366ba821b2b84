import type { BackendRequest } from '../platform.js';
import { wasmLoaderWith } from './wasm_loader.js';

/**
 * Bundlers find the module by this very expression. It is fetched and compiled from bytes, so that a server's
 * content type does not matter.
 */
async function compile({ wasmBaseUrl }: BackendRequest): Promise<WebAssembly.Module> {
  const url = wasmBaseUrl
    ? new URL('twill.wasm', wasmBaseUrl)
    : new URL('../wasm/twill.wasm', import.meta.url);
  const response = await fetch(url);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const magic = [0, 0x61, 0x73, 0x6d]; // "\0asm"
  if (!response.ok || magic.some((byte, i) => bytes[i] !== byte)) {
    const start = Array.from(bytes.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    throw new Error(
      `${url} is no WebAssembly module: status ${response.status}, content type ` +
        `${response.headers.get('content-type') ?? 'none'}, ${bytes.length} bytes that begin with ${start || 'nothing'}`,
    );
  }
  return WebAssembly.compile(bytes);
}

export const wasmLoader = wasmLoaderWith(
  compile,
  'serve the folder dist/wasm of the package and say where it is (`loadBackend({ wasmBaseUrl })`), ' +
    'in a browser with WebAssembly SIMD',
);
