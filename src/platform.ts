import type { Backend, BackendName } from './backend/backend.js';
import type { KernelSet } from './backend/kernel_sets.js';

export interface BackendRequest {
  /** Threads to use; the backend's own choice when left out. */
  readonly threads?: number;
  /** Instruction set to use; the best that can be had when left out. */
  readonly isa?: string;
  /** What it has to compute at least; all that there is when left out. Of use where the loader has `kernelSets`. */
  readonly kernels?: KernelSet;
  /** The folder of the `.wasm` files, an absolute address with a slash at its end, where they are not beside the script. */
  readonly wasmBaseUrl?: string;
  /** Why better choices could not be had; `info()` reports them. */
  readonly fallbacks: readonly string[];
}

/**
 * One way to a backend. Throws a plain error whose message is the reason where it cannot be had, so that another one
 * may be tried, and a `TwillError` where what was asked for (an option, a variable) cannot be.
 */
export interface BackendLoader {
  load(request: BackendRequest): Promise<Backend>;
  /** The same at once; absent where loading has to wait, as in a browser. */
  loadSync?(request: BackendRequest): Backend;
  /** Instruction sets that it has code for, as far as that is known before it is loaded. */
  readonly instructionSets?: readonly string[];
  /** Whether it can do with fewer kernels than all, and load faster for it. */
  readonly kernelSets?: boolean;
  /** What to do where it cannot be had, if anything can be done: completes the sentence "To get it, ...". */
  readonly remedy: string | undefined;
}

/** What differs between Node and a browser. Each entry point installs its own. */
export interface Platform {
  /** Backends of this platform, the best first. */
  readonly backends: ReadonlyMap<BackendName, BackendLoader>;
  /** Files; undefined where there are none. Both throw `DataError`. */
  readonly files?: {
    /** Reads a whole file. */
    read(file: string | URL): Promise<Uint8Array>;
    /** Writes a file whole or not at all. */
    write(file: string | URL, bytes: Uint8Array): Promise<void>;
  };
  /** A variable of the environment; undefined where there is no environment. */
  environment(name: string): string | undefined;
  /** Tells the user something that is no error; in Node once for all threads of the process. */
  warn(message: string): void;
}

let installed: Platform | undefined;

export function installPlatform(platform: Platform): void {
  installed = platform;
}

export function currentPlatform(): Platform {
  if (!installed) throw new Error('import twill through its entry point: it brings the platform');
  return installed;
}
