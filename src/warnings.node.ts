import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';

const KEY = 'twill: warnings given';
const SLOTS = 64;

/** Hashes of the warnings that this process has given, in memory that its workers share; 0: free. */
const given = sharedSlots();

/**
 * Whether this is the first time that this text is said in this process. A worker is given the memory when it is made:
 * workers of a thread that has not imported Twill each count for themselves.
 */
export function firstTime(text: string): boolean {
  const hash = hashOf(text);
  for (let slot = 0; slot < SLOTS; slot++) {
    const there = Atomics.compareExchange(given, slot, 0, hash);
    if (there === 0) return true;
    if (there === hash) return false;
  }
  return false;
}

function sharedSlots(): Int32Array {
  const inherited = getEnvironmentData(KEY) as unknown;
  if (inherited instanceof SharedArrayBuffer) return new Int32Array(inherited);
  const memory = new SharedArrayBuffer(SLOTS * Int32Array.BYTES_PER_ELEMENT);
  setEnvironmentData(KEY, memory as never);
  return new Int32Array(memory);
}

/** FNV-1a, never 0. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5 | 0;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash || 1;
}
