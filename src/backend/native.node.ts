import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { BackendError, BackendUnavailableError } from '../errors.js';
import type { BackendLoader, BackendRequest } from '../platform.js';
import type { Backend, BackendInfo, Executable, Memory } from './backend.js';
import { defaultThreads } from './cpus.node.js';
import { type KernelRow, parseSignatures } from './signatures.js';

/** What native/addon/addon.cc exports. Its Memory and Executable are the interfaces of backend.ts as they stand. */
interface Addon {
  readonly kernels: readonly KernelRow[];
  /** Supported by this machine, best first. */
  readonly instructionSets: readonly string[];
  /** The best one for '', else `wanted`; throws where it is unknown or not supported. */
  chooseInstructionSet(wanted: string): string;
  useError(errorClass: typeof BackendError): void;
  readonly Memory: new (bytes: number) => Memory;
  readonly Executable: new (
    words: Int32Array,
    memories: readonly Memory[],
    instructionSet: string,
    threads: number,
  ) => Executable;
}

const require = createRequire(import.meta.url);

/** Where the addon may be: the platform's package (npm installs the one that fits), else a build in this clone. */
function candidates(): string[] {
  const platform = `@twill/${process.platform}-${process.arch}`;
  const packages = process.platform === 'linux' ? [`${platform}-gnu`, `${platform}-musl`] : [platform];
  return [...packages, fileURLToPath(new URL('../../build/Release/twill.node', import.meta.url))];
}

let addon: Addon | undefined;

function loadAddon(): Addon {
  if (addon) return addon;
  const reasons: string[] = [];
  for (const path of candidates()) {
    try {
      const found = require(path) as Addon;
      found.useError(BackendError);
      addon = found;
      return found;
    } catch (error) {
      // Node's message goes on with the stack of requires.
      const [line] = String(error instanceof Error ? error.message : error).split('\n');
      reasons.push(line!);
    }
  }
  throw new Error(reasons.join('; '));
}

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
  remedy:
    'run `npm run setup` in a clone, or reinstall with optional dependencies (`npm install --include=optional`)',
};
