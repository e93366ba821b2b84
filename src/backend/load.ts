import { BackendUnavailableError, TwillError } from '../errors.js';
import { checkOptions, folderAddress, integerBetween, oneOf, text } from '../options.js';
import { type BackendLoader, currentPlatform } from '../platform.js';
import type { Backend, BackendName } from './backend.js';
import { KERNEL_SETS, type KernelSet, setsWith } from './kernel_sets.js';

/** What `loadBackend` and `TrainingWorker.start` may be told. */
export interface LoadBackendOptions {
  /**
   * `native` (the addon, in Node), `wasm`, or `auto`: the best that can be had. Default: the environment variable
   * `TWILL_BACKEND`, else `auto`.
   */
  readonly backend?: 'auto' | BackendName;
  /**
   * Threads to compute with. Default: `OMP_NUM_THREADS`, else what the process may use (the lesser of its CPU affinity
   * and its cgroup's quota); in a browser what it tells of the processor (`navigator.hardwareConcurrency`), 16 at most.
   */
  readonly threads?: number;
  /**
   * Instruction set to compute with: of `native` `avx512`, `avx2`, `sse2` or `neon`, of `wasm` `relaxed-simd128` or
   * `simd128`. Default: the environment variable `TWILL_ISA`, else the best that the machine and the engine have.
   */
  readonly isa?: string;
  /**
   * In a browser: what it has to compute at least, so that less is downloaded. `predict`: a plain network (`Conv2d`
   * that is neither depthwise nor filtered by `winograd`, `Linear`, `ReLU`, `MaxPool2d`, `Flatten`, `Unflatten`,
   * `Dropout` and sums) is applied; `train`: it is trained as well, with `CrossEntropyLoss` and any optimizer. `fit`,
   * `evaluate` and `predict` see to it themselves where they load a backend. Default `all`.
   */
  readonly kernels?: KernelSet;
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
  readonly isa?: string;
  readonly kernels: KernelSet;
}

/** Loaded backends by what was asked for: one for each name, number of threads, set of kernels and reasons. */
const loaded = new Map<string, Backend>();
const loading = new Map<string, Promise<Backend>>();
const warned = new Set<string>();
let preferred: Backend | undefined;
let wasmBaseUrl: string | undefined;

/**
 * Loads a backend, or returns it where it is loaded. The first one, or the first with more kernels, also serves the
 * functional calls (`conv2d(...)`).
 * @throws BackendUnavailableError where it cannot be had, with every reason and the remedy
 */
export async function loadBackend(options?: LoadBackendOptions): Promise<Backend> {
  const wanted = checkWanted(options);
  const reasons: string[] = [];
  for (const name of wanted.names) {
    try {
      const keys = cacheKeys(name, wanted, reasons);
      const backend = loadedBefore(keys) ?? (await loadOnce(keys, name, wanted, reasons));
      return chosen(keys, backend, reasons);
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
  if (!preferred || preferred.disposed) preferred = loadBackendSync();
  return preferred;
}

/** `loadBackend` for platforms that can load at once. */
export function loadBackendSync(options?: LoadBackendOptions): Backend {
  const wanted = checkWanted(options);
  const reasons: string[] = [];
  for (const name of wanted.names) {
    try {
      const keys = cacheKeys(name, wanted, reasons);
      const loader = loaderOf(name);
      const known = loadedBefore(keys);
      if (!known && !loader.loadSync) {
        throw new Error('it cannot be loaded at once here: call `await loadBackend()` first');
      }
      const { threads, isa } = wanted;
      const backend = known ?? loader.loadSync!({ threads, isa, wasmBaseUrl, fallbacks: [...reasons] });
      return chosen(keys, backend, reasons);
    } catch (error) {
      reasons.push(reasonToGoOn(name, error));
    }
  }
  throw unavailable(wanted, reasons);
}

function checkWanted(options: LoadBackendOptions | undefined): Wanted {
  const where = 'loadBackend';
  const { backend, threads, ...others } = checkOptions(where, options, [
    'backend',
    'threads',
    'isa',
    'kernels',
    'wasmBaseUrl',
  ]);
  const platform = currentPlatform();
  const variable = platform.environment('TWILL_BACKEND');
  const choices = ['auto', 'native', 'wasm'] as const;
  const name =
    backend === undefined && variable
      ? oneOf(where, 'TWILL_BACKEND', variable, choices)
      : oneOf(where, 'backend', backend ?? 'auto', choices);
  if (threads !== undefined) integerBetween(where, 'threads', threads, 1, 1024);
  if (others.isa !== undefined) text(where, 'isa', others.isa);
  const isa = others.isa ?? (platform.environment('TWILL_ISA') || undefined);
  if (others.wasmBaseUrl !== undefined) {
    wasmBaseUrl = folderAddress(where, 'wasmBaseUrl', others.wasmBaseUrl);
  }
  const kernels = oneOf(where, 'kernels', others.kernels ?? 'all', KERNEL_SETS);
  return { names: name === 'auto' ? candidates(isa) : [name], threads, isa, kernels };
}

/** The backends to try: those that have the instruction set, or, where it is unknown, the one that can tell. */
function candidates(isa: string | undefined): BackendName[] {
  const { backends } = currentPlatform();
  const names = [...backends.keys()];
  if (isa === undefined) return names;
  return [names.find((name) => backends.get(name)!.instructionSets?.includes(isa)) ?? names[0]!];
}

/** Keys of those that will do: of what was asked for, and of more kernels. */
function cacheKeys(
  name: BackendName,
  { threads, isa, kernels }: Wanted,
  reasons: readonly string[],
): readonly string[] {
  const sets = setsWith(loaderOf(name).kernelSets ? kernels : 'all');
  return sets.map((set) => JSON.stringify([name, threads ?? null, isa ?? null, set, reasons]));
}

/** A backend that was loaded and is still of use. */
function loadedBefore(keys: readonly string[]): Backend | undefined {
  return keys.map((key) => loaded.get(key)).find((backend) => backend && !backend.disposed);
}

function loaderOf(name: BackendName): BackendLoader {
  const loader = currentPlatform().backends.get(name);
  if (!loader) throw new Error('this platform has no such backend');
  return loader;
}

/** Two calls at the same time, of which one asks for what will do for the other, share one loading. */
function loadOnce(
  keys: readonly string[],
  name: BackendName,
  { threads, isa, kernels }: Wanted,
  reasons: readonly string[],
): Promise<Backend> {
  const underWay = keys.map((key) => loading.get(key)).find((one) => one);
  if (underWay) return underWay;
  const [key] = keys as [string];
  const loads = loaderOf(name)
    .load({ threads, isa, kernels, wasmBaseUrl, fallbacks: [...reasons] })
    .finally(() => loading.delete(key));
  loading.set(key, loads);
  return loads;
}

function chosen([key]: readonly string[], backend: Backend, reasons: readonly string[]): Backend {
  loaded.set(key!, backend);
  if (!preferred || preferred.disposed || backend.kernels.size > preferred.kernels.size) preferred = backend;
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
