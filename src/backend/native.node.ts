import { BackendUnavailableError } from '../errors.js';
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

  constructor(
    addon: Addon,
    { threads = defaultThreads(), fallbacks }: BackendRequest,
    instructionSet?: string,
  ) {
    this.#addon = addon;
    this.kernels = parseSignatures(addon.kernels);
    const isa = chooseInstructionSet(addon, instructionSet ?? process.env.TWILL_ISA ?? '');
    this.#info = Object.freeze({ backend: 'native', isa, threads, fallbacks: Object.freeze([...fallbacks]) });
  }

  allocate(bytes: number): Memory {
    return new this.#addon.Memory(bytes);
  }

  load(words: Int32Array, memories: readonly Memory[]): Executable {
    return new this.#addon.Executable(words, memories, this.#info.isa, this.#info.threads);
  }

  info(): BackendInfo {
    return this.#info;
  }
}

/** Instruction sets that this machine's addon can compute with, best first. */
export function nativeInstructionSets(): readonly string[] {
  return loadAddon().instructionSets;
}

/** The native backend on one of `nativeInstructionSets()`; `TWILL_ISA`, else the best, when left out. */
export function loadNative(request: BackendRequest, instructionSet?: string): Backend {
  return new NativeBackend(loadAddon(), request, instructionSet);
}

export const nativeLoader: BackendLoader = {
  load: async (request) => loadNative(request),
  loadSync: (request) => loadNative(request),
  get remedy() {
    return addonRemedy();
  },
};
