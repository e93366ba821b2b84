import type { BackendLoader, BackendRequest } from '../platform.js';
import { WasmBackend } from './wasm.js';
import { Choice, TeamError } from './wasm_choice.js';
import { type Instance, preparation, type Variant, WASM_INSTRUCTION_SETS } from './wasm_module.js';
import { Proof, proveFused } from './wasm_proof.js';
import { shortcomings } from './wasm_support.js';
import { MAX_DEFAULT_THREADS, type SpawnMember, Team } from './wasm_team.js';

/** Where a browser has the modules from. */
export interface WasmSource {
  compile(variant: Variant, request: BackendRequest): Promise<WebAssembly.Module>;
  /** Whether it has modules with fewer kernels than all. */
  readonly kernelSets: boolean;
  /** Starts the threads of a team, or (a text) why there are none. */
  readonly threads: ((request: BackendRequest) => SpawnMember) | string;
  /** What to do where none can be had: completes the sentence "To get it, ...". */
  readonly remedy: string;
}

/** A loader for browsers: the best variant that proves itself. */
export function wasmLoaderFrom(source: WasmSource): BackendLoader {
  return {
    async load(request) {
      const processors = globalThis.navigator?.hardwareConcurrency ?? 1;
      const threads = request.threads ?? Math.min(MAX_DEFAULT_THREADS, processors);
      const kernels = source.kernelSets ? (request.kernels ?? 'all') : 'all';
      const choice = new Choice(request, kernels, threads, lacksOf(source));
      for (;;) {
        const variant = choice.next();
        try {
          return (await open(source, variant, threads, request)).explain(choice.reasons);
        } catch (error) {
          choice.drop(variant, error);
        }
      }
    },
    instructionSets: WASM_INSTRUCTION_SETS,
    kernelSets: source.kernelSets,
    remedy: source.remedy,
  };
}

function lacksOf({ threads }: WasmSource) {
  const lacks = shortcomings({ workers: typeof Worker === 'function' });
  return typeof threads === 'string' ? { ...lacks, threads } : lacks;
}

async function open(
  source: WasmSource,
  variant: Variant,
  threads: number,
  request: BackendRequest,
): Promise<WasmBackend> {
  const module = await source.compile(variant, request);
  const { imports, complete } = preparation(variant, module);
  const instance = complete(await WebAssembly.instantiate(module, imports));
  if (variant.isa === 'relaxed-simd128') proveFused(instance.exports);
  const backend = new WasmBackend(instance);
  await prove(backend, 1);
  if (variant.threads && typeof source.threads !== 'string') {
    await addTeam(backend, instance, threads, source.threads(request));
  }
  return backend;
}

async function addTeam(
  backend: WasmBackend,
  instance: Instance,
  threads: number,
  spawn: SpawnMember,
): Promise<void> {
  const team = new Team(instance, threads, spawn);
  try {
    await team.arrival();
    backend.useTeam(team);
    await prove(backend, team.threads);
  } catch (error) {
    team.terminate();
    throw TeamError.from(error);
  }
}

async function prove(backend: WasmBackend, threads: number): Promise<void> {
  const proof = new Proof(backend, threads);
  await proof.executable.runAsync(proof.images);
  proof.check();
  proof.dispose();
}
