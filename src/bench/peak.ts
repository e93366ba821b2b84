import type { Backend } from '../backend/backend.js';
import { type Program, ProgramBuilder } from '../graph/program.js';

/** Units of `peak_fma`: a piece each, which threads share out among themselves. */
const UNITS = 64;
const ROUNDS = 1000;
/** 384 multiply-adds a round (native/kernels/peak.cc). */
export const PEAK_FLOPS = UNITS * ROUNDS * 384 * 2;

/** Multiply-adds of registers with registers on all threads of a backend: `PEAK_FLOPS` a run. */
export function peakFma(backend: Backend): Program {
  const builder = new ProgramBuilder(backend, 1);
  const result = builder.whole(UNITS * Float32Array.BYTES_PER_ELEMENT);
  builder.call('peak_fma', { count: UNITS, rounds: ROUNDS }, { result });
  return builder.build();
}

/** Copies `bytes` from one place to another, so twice as many pass by. */
export function peakCopy(backend: Backend, bytes: number): Program {
  const builder = new ProgramBuilder(backend, 1);
  const [source, target] = [builder.whole(bytes), builder.whole(bytes)];
  builder.call('peak_copy', { count: bytes / Float32Array.BYTES_PER_ELEMENT }, { source, target });
  return builder.build();
}
