import { type Absence, BATCH, type Table } from 'twill/bench';
import type { Peer } from './peer.js';

/** What training steps take. */
export interface MemoryUse {
  readonly runner: string;
  readonly threads: number;
  /** By how much the process grew, at its peak, from steps of one image to steps of a batch; bytes. */
  readonly grown: number;
  /** What `summary()` plans for a step of the batch; bytes; undefined for peers, which plan nothing. */
  readonly planned?: number;
}

/** Measures each process by itself, fresh from its start: what ran in it before would have left memory to use. */
export async function measureMemory(
  processes: readonly Peer[],
): Promise<{ uses: MemoryUse[]; absences: Absence[] }> {
  const uses: MemoryUse[] = [];
  const absences: Absence[] = [];
  for (const peer of processes) {
    try {
      uses.push({ runner: peer.name, threads: peer.threads, ...(await peer.memory(BATCH)) });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      absences.push({ runner: peer.name, what: 'memory', why });
    }
  }
  return { uses, absences };
}

export function memoryTable(uses: readonly MemoryUse[]): Table {
  const mebibytes = (bytes: number | undefined) => (bytes === undefined ? '' : (bytes / 2 ** 20).toFixed(1));
  return {
    title: `Memory of training steps at batch ${BATCH}`,
    columns: ['', 'MiB, grown', 'MiB, planned'],
    rows: uses.map(({ runner, threads, grown, planned }) => [
      `${runner}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
      mebibytes(grown),
      mebibytes(planned),
    ]),
    notes: [
      'Grown: by how much the process grows, at its peak, from steps of one image to steps of a batch.',
    ],
  };
}
