import { BackendError, BackendUnavailableError } from '../errors.js';
import { type BackendLoader, type BackendRequest, currentPlatform } from '../platform.js';
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

/** What `info()` says, and a warning, where the system refuses threads. */
function cutTeam(threads: number): string {
  return (
    `${threads} ${threads === 1 ? 'thread' : 'threads'}: the system refuses more (a limit on processes, \`ulimit -u\`, ` +
    "a cgroup's pids.max, or no memory for their stacks)"
  );
}

function warnOfCutTeam(threads: number): void {
  currentPlatform().warn(`twill computes with ${cutTeam(threads)}`);
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
    addon.onTeamCut(warnOfCutTeam);
    const had = addon.threadsToBeHad(threads);
    if (had < threads) warnOfCutTeam(had);
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
    const { threads, fallbacks, ...others } = this.#info;
    const had = this.#addon.teamCutTo();
    if (had === 0 || had >= threads) return this.#info;
    return Object.freeze({ ...others, threads: had, fallbacks: Object.freeze([...fallbacks, cutTeam(had)]) });
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
