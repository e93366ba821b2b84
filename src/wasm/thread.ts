/** What a thread of a team needs; src/backend/wasm_team.ts sends it. */
export interface Membership {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Which member it is. */
  readonly thread: number;
  /** End of its stack, which grows downwards. */
  readonly stack: number;
}

/** Of wasm/exports.cc. */
interface Exports {
  readonly __stack_pointer: WebAssembly.Global;
  join(): void;
  serve(thread: number): void;
  abandon(): void;
}

/** A member's message: it has joined, or a run that it led has ended. */
export type Word = 'joined' | 'ended';

/** Works in the team until the worker is terminated. */
export function work({ module, memory, thread, stack }: Membership, tell: (word: Word) => void): never {
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  const exports = instance.exports as unknown as Exports;
  exports.__stack_pointer.value = stack;
  exports.join();
  tell('joined');
  try {
    for (;;) {
      exports.serve(thread);
      tell('ended');
    }
  } catch (error) {
    exports.abandon(); // or the others would wait for this thread's share for ever
    throw error;
  }
}
