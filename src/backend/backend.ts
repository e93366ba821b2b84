import type { KernelSet } from './kernel_sets.js';

/** Typed arrays that go in and out of a backend's memory; always by copy. */
export type Values = Float32Array | Float64Array | Int32Array | Uint8Array;

/** Backend memory for one or more buffers, zeroed when allocated. Freed by `dispose` or with its last reference. */
export interface Memory {
  readonly bytes: number;
  /** Copies `source` to `byteOffset` (default 0). Throws `BackendError` when it does not fit. */
  write(source: Values, byteOffset?: number): void;
  /** Fills `target` from `byteOffset` (default 0). Throws `BackendError` when it reaches past the end. */
  read(target: Values, byteOffset?: number): void;
  dispose(): void;
}

/** A program that was checked whole and bound to its memory. */
export interface Executable {
  /** Runs the program on the first `batch` images of its buffers, 1 <= batch <= capacity, on this thread and its team. */
  run(batch: number): void;
  /** The same, leaving the event loop free where the backend can. One run at a time: a second one waits its turn. */
  runAsync(batch: number): Promise<void>;
  dispose(): void;
}

/** The addon, or WebAssembly. */
export type BackendName = 'native' | 'wasm';

/** What `info()` reports, and what `history.json` records. */
export interface BackendInfo {
  /** Its name. */
  readonly backend: BackendName;
  /** Instruction set in use: `avx512`, `avx2`, `sse2`, `neon`, `simd128`, `relaxed-simd128`, `scalar`. */
  readonly isa: string;
  /** Threads that compute, the one that asks included. */
  readonly threads: number;
  /** The kernels of the WebAssembly module where those are not all, as `loadBackend` names them. */
  readonly kernels?: KernelSet;
  /** One sentence for each better choice that could not be had, and why; empty when nothing was given up. */
  readonly fallbacks: readonly string[];
}

/** One kernel as the backend's enumerator (native/kernels/kernels.inc) declares it. */
export interface KernelSignature {
  readonly id: number;
  readonly name: string;
  /** `rows`: over images, which may be cut into bands of rows. */
  readonly domain: 'images' | 'rows' | 'elements';
  /** Names of the int32 parameters, in order. */
  readonly params: readonly string[];
  /** Operands in order. `access`: r read, w written, u updated in place, p partial sums. */
  readonly operands: readonly {
    readonly name: string;
    readonly optional: boolean;
    readonly access: 'r' | 'w' | 'u' | 'p';
  }[];
}

/** Memory and a way to run programs: all that the layers above need of a machine. */
export interface Backend {
  /** `native` or `wasm`. */
  readonly name: BackendName;
  /** @internal */
  readonly kernels: ReadonlyMap<string, KernelSignature>;
  /** @internal */
  allocate(bytes: number): Memory;
  /** Checks `words` (native/runtime/program.h) against `memories` and binds them. Throws `BackendError`. @internal */
  load(words: Int32Array, memories: readonly Memory[]): Executable;
  /** What it computes with, and what was given up for it. */
  info(): BackendInfo;
  /**
   * Ends its threads after what runs. What was made with it can no longer be used and is freed when nothing refers to
   * it any more; `loadBackend` loads another one.
   */
  dispose(): void;
  /** Whether `dispose` was called. */
  readonly disposed: boolean;
}
