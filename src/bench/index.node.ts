import type { Backend } from '../backend/backend.js';
import { loadNative, nativeInstructionSets } from '../backend/native.node.js';

export { articleData } from './data.node.js';
export * from './index.js';
export { busyWarning, load, type Machine, slug, thisMachine } from './machine.node.js';
export { Progress } from './progress.js';

/** A native backend for each instruction set of this machine, best first. Throws where the addon cannot be loaded. */
export function nativeBackends(threads: number): Backend[] {
  return nativeInstructionSets().map((isa) => loadNative({ threads, isa, fallbacks: [] }));
}
