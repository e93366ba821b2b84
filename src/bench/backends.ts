import type { Backend, BackendName } from '../backend/backend.js';
import { loadBackend } from '../backend/load.js';
import { WASM_INSTRUCTION_SETS } from '../backend/wasm_module.js';
import { BackendUnavailableError } from '../errors.js';
import type { Absence } from './figures.js';

/** What there is to measure on, and what there is not. */
export interface Contenders {
  /** No two alike; native ones first, the plainest instruction set before the better ones. */
  readonly backends: readonly Backend[];
  readonly absences: readonly Absence[];
}

/**
 * Loads each backend on each number of threads: natively on the best instruction set (or that of `TWILL_ISA`), in
 * WebAssembly on every one that the engine has.
 */
export async function contenders(
  names: readonly BackendName[],
  threads: readonly number[],
): Promise<Contenders> {
  const backends: Backend[] = [];
  const absences: Absence[] = [];
  for (const name of names) {
    const sets = name === 'native' ? [undefined] : [...WASM_INSTRUCTION_SETS].reverse();
    for (const isa of sets) {
      for (const count of threads) {
        try {
          const backend = await loadBackend({ backend: name, isa, threads: count });
          if (!backends.includes(backend) && !backends.some((one) => isSame(one, backend)))
            backends.push(backend);
          const { threads: had, fallbacks } = backend.info();
          if (had === count) continue;
          absences.push({ runner: runnerName(backend), what: threadsText(count), why: fallbacks.join('; ') });
        } catch (error) {
          if (!(error instanceof BackendUnavailableError)) throw error;
          const runner = ['Twill', name, isa].filter(Boolean).join(' ');
          absences.push({ runner, what: threadsText(count), why: error.message });
        }
      }
    }
  }
  return { backends, absences };
}

/** `Twill wasm simd128`: what a backend is called in figures. */
export function runnerName(backend: Backend): string {
  const { backend: name, isa } = backend.info();
  return `Twill ${name} ${isa}`;
}

/** Whether two backends compute the same way. */
export function isSame(one: Backend, other: Backend): boolean {
  return runnerName(one) === runnerName(other) && one.info().threads === other.info().threads;
}

function threadsText(count: number): string {
  return `${count} ${count === 1 ? 'thread' : 'threads'}`;
}
