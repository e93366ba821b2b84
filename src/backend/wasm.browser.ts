import type { BackendRequest } from '../platform.js';
import { wasmLoaderFrom } from './wasm_loader.js';
import { fileOf, type Variant } from './wasm_module.js';
import type { SpawnMember } from './wasm_team.js';

const modules = new Map<string, Promise<WebAssembly.Module>>();

/** Bundlers find the modules by these very expressions. */
const ADDRESSES: Readonly<Record<string, () => URL>> = {
  'twill-simd128.wasm': () => new URL('../wasm/twill-simd128.wasm', import.meta.url),
  'twill-simd128-train.wasm': () => new URL('../wasm/twill-simd128-train.wasm', import.meta.url),
  'twill-simd128-predict.wasm': () => new URL('../wasm/twill-simd128-predict.wasm', import.meta.url),
  'twill-simd128-threads.wasm': () => new URL('../wasm/twill-simd128-threads.wasm', import.meta.url),
  'twill-simd128-threads-train.wasm': () =>
    new URL('../wasm/twill-simd128-threads-train.wasm', import.meta.url),
  'twill-simd128-threads-predict.wasm': () =>
    new URL('../wasm/twill-simd128-threads-predict.wasm', import.meta.url),
  'twill-relaxed-simd128.wasm': () => new URL('../wasm/twill-relaxed-simd128.wasm', import.meta.url),
  'twill-relaxed-simd128-train.wasm': () =>
    new URL('../wasm/twill-relaxed-simd128-train.wasm', import.meta.url),
  'twill-relaxed-simd128-predict.wasm': () =>
    new URL('../wasm/twill-relaxed-simd128-predict.wasm', import.meta.url),
  'twill-relaxed-simd128-threads.wasm': () =>
    new URL('../wasm/twill-relaxed-simd128-threads.wasm', import.meta.url),
  'twill-relaxed-simd128-threads-train.wasm': () =>
    new URL('../wasm/twill-relaxed-simd128-threads-train.wasm', import.meta.url),
  'twill-relaxed-simd128-threads-predict.wasm': () =>
    new URL('../wasm/twill-relaxed-simd128-threads-predict.wasm', import.meta.url),
};

function compile(variant: Variant, { wasmBaseUrl }: BackendRequest): Promise<WebAssembly.Module> {
  const file = fileOf(variant);
  const { href } = wasmBaseUrl ? new URL(file, wasmBaseUrl) : ADDRESSES[file]!();
  const module = modules.get(href) ?? fetchModule(href);
  modules.set(href, module);
  module.catch(() => modules.delete(href)); // a server that was down may be up at the next call
  return module;
}

/** Compiles from bytes, so that a server's content type does not matter. */
async function fetchModule(url: string): Promise<WebAssembly.Module> {
  const response = await fetch(url).catch((error: unknown) => {
    throw new Error(`${url} cannot be fetched: ${(error as Error).message}`);
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const magic = [0, 0x61, 0x73, 0x6d]; // "\0asm"
  if (!response.ok || magic.some((byte, i) => bytes[i] !== byte)) {
    throw new Error(`${url} is no WebAssembly module: ${describe(response, bytes)}`);
  }
  try {
    return await WebAssembly.compile(bytes);
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`${url} does not compile: ${message}; ${describe(response, bytes)}`, { cause: error });
  }
}

function describe({ status, headers }: Response, bytes: Uint8Array): string {
  const start = Array.from(bytes.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const type = headers.get('content-type') ?? 'none';
  return `status ${status}, content type ${type}, ${bytes.length} bytes that begin with ${start || 'nothing'}`;
}

/** Bundlers find the script by the very expression in here. */
const start = (base: string | undefined) =>
  base === undefined
    ? new Worker(new URL('../wasm/thread.browser.js', import.meta.url), {
        type: 'module',
        name: 'twill thread',
      })
    : new Worker(new URL('thread.browser.js', base), { type: 'module', name: 'twill thread' });

const spawnFrom =
  ({ wasmBaseUrl }: BackendRequest): SpawnMember =>
  (membership, { word, failure }) => {
    const worker = start(wasmBaseUrl);
    worker.addEventListener('message', ({ data }) => word(data));
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      // Without a message the script itself is what failed, and browsers do not say how.
      const why = 'wasm/thread.browser.js cannot be loaded, or the page forbids workers (worker-src)';
      failure(new Error(event.message || why));
    });
    worker.postMessage(membership);
    return { terminate: () => worker.terminate(), keepAlive: () => {} };
  };

export const wasmLoader = wasmLoaderFrom({
  compile,
  kernelSets: true,
  threads: spawnFrom,
  remedy:
    'serve the folder dist/wasm of the package and say where it is (`loadBackend({ wasmBaseUrl })`), ' +
    'in a browser with WebAssembly SIMD',
});
