import { BackendUnavailableError, TwillError } from '../errors.js';
import { checkOptions, folderAddress, integerBetween, oneOf } from '../options.js';
import { type BackendLoader, currentPlatform } from '../platform.js';
import type { Backend, BackendName } from './backend.js';

/** What `loadBackend` and `TrainingWorker.start` may be told. */
export interface LoadBackendOptions {
  /**
   * `native` (the addon, in Node), `wasm`, or `auto`: the best that can be had. Default: the environment variable
   * `TWILL_BACKEND`, else `auto`.
   */
  readonly backend?: 'auto' | BackendName;
  /**
   * Threads to compute with, this one included. Default: `OMP_NUM_THREADS`, else what the process may use (the lesser
   * of its CPU affinity and its cgroup's quota).
   */
  readonly threads?: number;
  /**
   * In a browser: where the page's server has the package's `.wasm` files (`twill/wasm/*`) under their own names, for
   * bundlers that do not see to it (esbuild, Rollup). Relative to the page; holds for later calls, too. Default: beside
   * the script, or where the bundler put them.
   */
  readonly wasmBaseUrl?: string | URL;
}

interface Wanted {
  /** Backends to try, in order. */
  readonly names: readonly BackendName[];
  readonly threads?: number;
}

/** Loaded backends by what was asked for: one for each name, number of threads and reasons. */
const loaded = new Map<string, Backend>();
const loading = new Map<string, Promise<Backend>>();
const warned = new Set<string>();
let preferred: Backend | undefined;
let wasmBaseUrl: string | undefined;

/**
 * Loads a backend, or returns it where it is loaded. The first one also serves the functional calls (`conv2d(...)`).
 * @throws BackendUnavailableError where it cannot be had, with every reason and the remedy
 */
export async function loadBackend(options?: LoadBackendOptions): Promise<Backend> {
  const wanted = checkWanted(options);
  const reasons: string[] = [];
  for (const name of wanted.names) {
    try {
      const key = cacheKey(name, wanted, reasons);
      const backend = loaded.get(key) ?? (await loadOnce(key, name, wanted, reasons));
      return chosen(key, backend, reasons);
    } catch (error) {
      reasons.push(reasonToGoOn(name, error));
    }
  }
  throw unavailable(wanted, reasons);
}

/**
 * The backend of the functional calls: the first that was loaded, else the best that can be loaded at once.
 * @throws BackendUnavailableError in a browser before `await loadBackend()`
 */
export function defaultBackend(): Backend {
  preferred ??= loadBackendSync();
  return preferred;
}

/** `loadBackend` for platforms that can load at once. */
export function loadBackendSync(options?: LoadBackendOptions): Backend {
  const wanted = checkWanted(options);
  const reasons: string[] = [];
  for (const name of wanted.names) {
    try {
      const key = cacheKey(name, wanted, reasons);
      const loader = loaderOf(name);
      if (!loaded.has(key) && !loader.loadSync) {
        throw new Error('it cannot be loaded at once here: call `await loadBackend()` first');
      }
      const backend =
        loaded.get(key) ??
        loader.loadSync!({ threads: wanted.threads, wasmBaseUrl, fallbacks: [...reasons] });
      return chosen(key, backend, reasons);
    } catch (error) {
      reasons.push(reasonToGoOn(name, error));
    }
  }
  throw unavailable(wanted, reasons);
}

function checkWanted(options: LoadBackendOptions | undefined): Wanted {
  const where = 'loadBackend';
  const { backend, threads, ...files } = checkOptions(where, options, ['backend', 'threads', 'wasmBaseUrl']);
  const platform = currentPlatform();
  const variable = platform.environment('TWILL_BACKEND');
  const choices = ['auto', 'native', 'wasm'] as const;
  const name =
    backend === undefined && variable
      ? oneOf(where, 'TWILL_BACKEND', variable, choices)
      : oneOf(where, 'backend', backend ?? 'auto', choices);
  if (threads !== undefined) integerBetween(where, 'threads', threads, 1, 1024);
  if (files.wasmBaseUrl !== undefined) wasmBaseUrl = folderAddress(where, 'wasmBaseUrl', files.wasmBaseUrl);
  return { names: name === 'auto' ? [...platform.backends.keys()] : [name], threads };
}

function cacheKey(name: BackendName, { threads }: Wanted, reasons: readonly string[]): string {
  return JSON.stringify([name, threads ?? null, reasons]);
}

function loaderOf(name: BackendName): BackendLoader {
  const loader = currentPlatform().backends.get(name);
  if (!loader) throw new Error('this platform has no such backend');
  return loader;
}

/** Two calls that ask for the same thing at the same time share one loading. */
function loadOnce(
  key: string,
  name: BackendName,
  { threads }: Wanted,
  reasons: readonly string[],
): Promise<Backend> {
  const underWay =
    loading.get(key) ??
    loaderOf(name)
      .load({ threads, wasmBaseUrl, fallbacks: [...reasons] })
      .finally(() => loading.delete(key));
  loading.set(key, underWay);
  return underWay;
}

function chosen(key: string, backend: Backend, reasons: readonly string[]): Backend {
  loaded.set(key, backend);
  preferred ??= backend;
  for (const reason of reasons) {
    if (warned.has(reason)) continue;
    warned.add(reason);
    currentPlatform().warn(`twill computes with the ${backend.name} backend: ${reason}`);
  }
  return backend;
}

/** Why a backend cannot be had. What the user asked for and cannot have is no reason to try another: thrown on. */
function reasonToGoOn(name: BackendName, error: unknown): string {
  if (error instanceof TwillError) throw error;
  const remedy = currentPlatform().backends.get(name)?.remedy;
  const message = error instanceof Error ? error.message : String(error);
  return `the ${name} backend cannot be had: ${message}${remedy ? `. To get it, ${remedy}` : ''}`;
}

function unavailable({ names }: Wanted, reasons: readonly string[]): BackendUnavailableError {
  return new BackendUnavailableError(
    `[loadBackend] no backend (tried ${names.join(', ')}): ${reasons.join('; ')}`,
  );
}

/** The default backend, or undefined where none can be had at once: for what can be told without one. */
export function availableBackend(): Backend | undefined {
  try {
    return defaultBackend();
  } catch (error) {
    if (error instanceof BackendUnavailableError) return undefined;
    throw error;
  }
}
