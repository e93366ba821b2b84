import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StateDict } from 'twill';
import type { Absence, ArticleData, Runner } from 'twill/bench';
import { articleOnnx } from './onnx.js';
import type { Part } from './options.js';
import { Peer, type PeerOptions } from './peer.js';

/** The repository, seen from build/bench/lib. */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const PYTHON = '/usr/bin/python3';

/** What to measure with. */
export interface PeerPlan {
  readonly parts: ReadonlySet<Part>;
  /** Threads to measure the steps, inferences and trainings with. */
  readonly threads: readonly number[];
  /** Threads to measure the sweep with. */
  readonly sweepThreads: readonly number[];
  /** A scratch folder with `writeInputs`' files. */
  readonly folder: string;
  /** What native and WebAssembly code is held against, for each number of threads. */
  readonly yardsticks: {
    native(threads: number): Runner['yardstick'];
    wasm(threads: number): Runner['yardstick'];
  };
}

export interface Peers {
  /** For steps, inferences and trainings. */
  readonly runners: readonly Peer[];
  /** For the sweep of layers. */
  readonly sweepers: readonly Peer[];
  readonly absences: readonly Absence[];
}

/** Writes what peers start from: weights and data as plain numbers, and the network as an ONNX file. */
export function writeInputs(folder: string, weights: StateDict, data: ArticleData): void {
  for (const [name, { data: values }] of weights) writeFileSync(join(folder, `${name}.f32`), values);
  for (const split of ['train', 'test'] as const) {
    writeFileSync(join(folder, `${split}.images.u8`), data[split].images);
    writeFileSync(join(folder, `${split}.labels.u8`), Uint8Array.from(data[split].labels));
  }
  writeFileSync(join(folder, 'model.onnx'), articleOnnx(weights));
}

/** One way to start a peer on a number of threads. */
interface Candidate {
  readonly name: string;
  readonly parts: readonly Part[];
  start(threads: number): Promise<Peer>;
}

/** Starts the peers that are installed; the others are absent, with the reason. */
export async function startPeers(plan: PeerPlan): Promise<Peers> {
  const wanted = candidates(plan).filter(({ parts }) => parts.some((part) => plan.parts.has(part)));
  const started = await Promise.all(
    wanted.map(async ({ name, parts, start }) => {
      const sweeps = parts.includes('sweep');
      const threads = sweeps ? plan.sweepThreads : plan.threads;
      try {
        return { sweeps, peers: await Promise.all(threads.map((count) => start(count))) };
      } catch (error) {
        return {
          sweeps,
          peers: [],
          absence: { runner: name, why: error instanceof Error ? error.message : String(error) },
        };
      }
    }),
  );
  return {
    runners: started.flatMap(({ sweeps, peers }) => (sweeps ? [] : peers)),
    sweepers: started.flatMap(({ sweeps, peers }) => (sweeps ? peers : [])),
    absences: started.flatMap(({ absence }) => absence ?? []),
  };
}

function candidates(plan: PeerPlan): Candidate[] {
  const { folder, yardsticks } = plan;
  const native = (threads: number) => ({ threads, yardstick: yardsticks.native(threads) });
  const wasm = (threads: number) => ({ threads, yardstick: yardsticks.wasm(threads) });
  const python = (tuned: boolean, options: PeerOptions) =>
    Peer.start(
      PYTHON,
      [source('pytorch.py'), folder, String(options.threads), tuned ? 'tuned' : 'plain'],
      options,
    );
  const node = (script: string, args: readonly string[], options: PeerOptions) =>
    Peer.start(
      process.execPath,
      [compiled(script), packages(), folder, String(options.threads), ...args],
      options,
    );
  return [
    {
      name: 'oneDNN',
      parts: ['sweep'],
      start: async (threads) => Peer.start(compileOneDnn(), [String(threads)], native(threads)),
    },
    {
      name: 'PyTorch tuned',
      parts: ['step', 'networks', 'inference', 'training', 'memory'],
      start: (threads) =>
        python(true, { ...native(threads), trains: true, env: tunedEnvironment(), suffix: ' tuned' }),
    },
    {
      name: 'PyTorch as installed',
      parts: ['step', 'networks', 'inference', 'training', 'memory'],
      start: (threads) => python(false, { ...native(threads), trains: true, suffix: ' as installed' }),
    },
    {
      name: 'onnxruntime-node',
      parts: ['inference'],
      start: async (threads) => node('onnxruntime.js', ['node'], native(threads)),
    },
    {
      name: 'onnxruntime-web',
      parts: ['inference'],
      start: async (threads) => node('onnxruntime.js', ['web'], wasm(threads)),
    },
    {
      name: 'Twill',
      parts: ['memory'],
      start: async (threads) => node('twill.js', [], native(threads)),
    },
    {
      name: 'jax-js',
      parts: ['step', 'inference'],
      start: async (threads) => node('jax.js', [], wasm(threads)),
    },
  ];
}

function source(name: string): string {
  return join(ROOT, 'bench/peers', name);
}

function compiled(name: string): string {
  return join(ROOT, 'build/bench/peers', name);
}

/** Where the peers from npm are. */
function packages(): string {
  const folder = process.env.TWILL_PEERS;
  if (!folder) throw new Error('TWILL_PEERS does not name a folder whose node_modules has it');
  return folder;
}

function compileOneDnn(): string {
  if (!existsSync('/usr/include/dnnl.hpp') && !existsSync('/usr/local/include/dnnl.hpp')) {
    throw new Error('there is no dnnl.hpp (Debian: libdnnl-dev)');
  }
  const target = compiled('onednn');
  const text = source('onednn.cc');
  if (existsSync(target) && statSync(target).mtimeMs > statSync(text).mtimeMs) return target;
  mkdirSync(join(target, '..'), { recursive: true });
  const args = ['-std=c++17', '-O2', '-fopenmp', text, '-ldnnl', '-o', target];
  execFileSync('g++', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  return target;
}

/**
 * PyTorch at its best: products by OpenBLAS, which Debian's PyTorch takes from the library path, on the one thread that
 * its small matrices are worth, and memory that malloc keeps instead of returning it after every step.
 */
function tunedEnvironment(): Record<string, string> {
  const openBlas = findOpenBlas();
  const path = [openBlas, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':');
  return {
    ...(openBlas && { LD_LIBRARY_PATH: path, OPENBLAS_NUM_THREADS: '1' }),
    MALLOC_MMAP_THRESHOLD_: String(2 ** 32),
    MALLOC_TRIM_THRESHOLD_: String(2 ** 36),
    MALLOC_TOP_PAD_: String(2 ** 28),
  };
}

/** Installed, or unpacked from its package into $TWILL_PEERS/openblas, which leaves "as installed" as it is. */
function findOpenBlas(): string | undefined {
  const prefixes = [process.env.TWILL_PEERS && join(process.env.TWILL_PEERS, 'openblas'), '/'];
  for (const prefix of prefixes) {
    const libraries = prefix && join(prefix, 'usr/lib');
    if (!libraries || !existsSync(libraries)) continue;
    for (const triplet of readdirSync(libraries)) {
      const folder = join(libraries, triplet, 'openblas-pthread');
      if (existsSync(folder)) return folder;
    }
  }
  return undefined;
}
