/** What an engine cannot do, in a sentence each; undefined where it can. */
export interface Shortcomings {
  /** SIMD, without which nothing runs. */
  readonly simd?: string;
  readonly relaxed?: string;
  readonly threads?: string;
}

const HEADER = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
/** A module with one function of no parameters whose code is `code`. */
function validates(code: readonly number[]): boolean {
  const types = [1, 4, 1, 0x60, 0, 0];
  const functions = [3, 2, 1, 0];
  const memories = [5, 4, 1, 3, 1, 1]; // shared, one page
  const body = [0, ...code, 0x0b];
  const codes = [10, body.length + 2, 1, body.length, ...body];
  const usesMemory = code[0] === ATOMIC_FENCE[0];
  return WebAssembly.validate(
    new Uint8Array([...HEADER, ...types, ...functions, ...(usesMemory ? memories : []), ...codes]),
  );
}

const I32_ZERO = [0x41, 0];
const DROP = 0x1a;
const SPLAT = [...I32_ZERO, 0xfd, 0x11];
/** i32x4.splat, i8x16.popcnt: the latter came last into the standard. */
const SIMD = [...SPLAT, 0xfd, 0x62, DROP];
/** f32x4.relaxed_madd as standardised; earlier engines had other numbers. */
const RELAXED = [...SPLAT, ...SPLAT, ...SPLAT, 0xfd, 0x85, 0x02, DROP];
const ATOMIC_FENCE = [0xfe, 0x03, 0x00];

/** What this engine and this context cannot do. `workers` is false where none can be started. */
export function shortcomings({ workers }: { workers: boolean }): Shortcomings {
  if (!validates(SIMD)) return { simd: 'this engine has no WebAssembly SIMD' };
  return {
    relaxed: validates(RELAXED) ? undefined : 'this engine has no relaxed SIMD',
    threads: whyNoThreads(workers),
  };
}

function whyNoThreads(workers: boolean): string | undefined {
  if (globalThis.crossOriginIsolated === false || typeof SharedArrayBuffer === 'undefined') {
    return (
      'the page is not cross-origin isolated, which takes the headers Cross-Origin-Opener-Policy: same-origin ' +
      'and Cross-Origin-Embedder-Policy: require-corp'
    );
  }
  if (!validates(ATOMIC_FENCE)) return 'this engine has no WebAssembly threads';
  return workers ? undefined : 'no worker can be started from here';
}

/** Whether this thread may sleep: a page's must not. */
export function mayBlock(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1);
    return true;
  } catch {
    return false; // the language's way of saying so
  }
}
