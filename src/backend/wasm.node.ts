import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { BackendLoader } from '../platform.js';
import { defaultThreads } from './cpus.node.js';
import { WasmBackend } from './wasm.js';
import { Choice, TeamError } from './wasm_choice.js';
import { fileOf, type Instance, preparation, type Variant, WASM_INSTRUCTION_SETS } from './wasm_module.js';
import { Proof, proveFused } from './wasm_proof.js';
import { type Shortcomings, shortcomings } from './wasm_support.js';
import { MAX_DEFAULT_THREADS, type SpawnMember, Team } from './wasm_team.js';

/** From dist/backend, and from src/backend in a clone. */
const FOLDERS = ['../wasm/', '../../dist/wasm/'].map((path) => new URL(path, import.meta.url));

const modules = new Map<string, WebAssembly.Module>();

function compile(variant: Variant): WebAssembly.Module {
  const file = fileOf(variant);
  const known = modules.get(file);
  if (known) return known;
  const reasons: string[] = [];
  for (const folder of FOLDERS) {
    const path = fileURLToPath(new URL(file, folder));
    try {
      const module = new WebAssembly.Module(readFileSync(path));
      modules.set(file, module);
      return module;
    } catch (error) {
      reasons.push(`${path}: ${error instanceof Error ? error.message : error}`);
    }
  }
  throw new Error(reasons.join('; '));
}

function instantiate(variant: Variant): Instance {
  const module = compile(variant);
  const { imports, complete } = preparation(variant, module);
  return complete(new WebAssembly.Instance(module, imports));
}

const spawn: SpawnMember = (membership, { word, failure }) => {
  // A worker of src/backend (the tests) is the one that was built.
  const inSources = import.meta.url.endsWith('.ts');
  const worker = new Worker(new URL('thread.node.js', FOLDERS[inSources ? 1 : 0]), {
    name: 'twill thread',
    workerData: membership,
    // The process's own flags are for its own script: a worker refuses some of them (--input-type).
    execArgv: [],
  });
  worker.on('message', word);
  worker.on('error', failure);
  worker.on('exit', (code) => failure(new Error(`it ended with code ${code}`)));
  return {
    terminate: () => void worker.terminate(),
    keepAlive: (alive) => (alive ? worker.ref() : worker.unref()),
  };
};

/**
 * What the engine itself says it can do is not all. Node 20 computes some of relaxed SIMD wrongly, behind a flag, and
 * code that its baseline compiler (Liftoff) makes for shared memory gives wrong sums where threads run at once: with
 * --liftoff-only in every training, with --no-liftoff in none, and in none of Node 22 and 24.
 */
function nodeShortcomings(): Shortcomings {
  const lacks = shortcomings({ workers: true });
  const [major] = process.versions.node.split('.');
  if (Number(major) >= 22) return lacks;
  return {
    ...lacks,
    relaxed: `Node ${major} has no relaxed SIMD; Node 22 has`,
    threads: `Node ${major} computes wrongly with WebAssembly on shared memory; Node 22 does not`,
  };
}

function open(variant: Variant, threads: number): WasmBackend {
  const instance = instantiate(variant);
  if (variant.isa === 'relaxed-simd128') proveFused(instance.exports);
  const backend = new WasmBackend(instance);
  prove(backend, 1);
  if (variant.threads) {
    const team = new Team(instance, threads, spawn);
    try {
      team.awaitArrival();
      backend.useTeam(team);
      prove(backend, team.threads);
    } catch (error) {
      team.terminate();
      throw TeamError.from(error);
    }
  }
  return backend;
}

function prove(backend: WasmBackend, threads: number): void {
  const proof = new Proof(backend, threads);
  proof.executable.run(proof.images);
  proof.check();
  proof.dispose();
}

const loadSync: NonNullable<BackendLoader['loadSync']> = (request) => {
  const threads = request.threads ?? Math.min(MAX_DEFAULT_THREADS, defaultThreads());
  const choice = new Choice(request, 'all', threads, nodeShortcomings());
  for (;;) {
    const variant = choice.next();
    try {
      return open(variant, threads).explain(choice.reasons);
    } catch (error) {
      choice.drop(variant, error);
    }
  }
};

export const wasmLoader: BackendLoader = {
  load: async (request) => loadSync(request),
  loadSync,
  instructionSets: WASM_INSTRUCTION_SETS,
  remedy: 'run `npm run setup` in a clone, or reinstall the package',
};
