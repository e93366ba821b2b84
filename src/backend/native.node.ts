import { BackendError, BackendUnavailableError } from '../errors.js';
import type { BackendLoader, BackendRequest } from '../platform.js';
import { type Addon, addonRemedy, loadAddon } from './addon.node.js';
import type { Backend, BackendInfo, Executable, Memory } from './backend.js';
import { defaultThreads } from './cpus.node.js';
import { parseSignatures } from './signatures.js';

function chooseInstructionSet(addon: Addon, wanted: string): string {
  try {
    return addon.chooseInstructionSet(wanted);
  } catch (error) {
    const supported = addon.instructionSets.join(', ');
    throw new BackendUnavailableError(`${(error as Error).message} (this machine has ${supported})`);
  }
}

class NativeBackend implements Backend {
  readonly name = 'native';
  readonly kernels;
  readonly #addon: Addon;
  readonly #info: BackendInfo;

  disposed = false;

  constructor(addon: Addon, { threads = defaultThreads(), isa: wanted = '', fallbacks }: BackendRequest) {
    this.#addon = addon;
    this.kernels = parseSignatures(addon.kernels);
    const isa = chooseInstructionSet(addon, wanted);
    this.#info = Object.freeze({ backend: 'native', isa, threads, fallbacks: Object.freeze([...fallbacks]) });
  }

  allocate(bytes: number): Memory {
    this.#checkUse();
    return new this.#addon.Memory(bytes);
  }

  load(words: Int32Array, memories: readonly Memory[]): Executable {
    this.#checkUse();
    return new this.#addon.Executable(words, memories, this.#info.isa, this.#info.threads);
  }

  info(): BackendInfo {
    return this.#info;
  }

  dispose(): void {
    this.disposed = true; // OpenMP's threads are the process's, and end with it
  }

  #checkUse(): void {
    if (this.disposed) throw new BackendError('[backend] was disposed');
  }
}

/** Instruction sets that this machine's addon can compute with, best first. */
export function nativeInstructionSets(): readonly string[] {
  return loadAddon().instructionSets;
}

export function loadNative(request: BackendRequest): Backend {
  return new NativeBackend(loadAddon(), request);
}

export const nativeLoader: BackendLoader = {
  load: async (request) => loadNative(request),
  loadSync: (request) => loadNative(request),
  get remedy() {
    return addonRemedy();
  },
};
