/** Milliseconds after which the event loop gets a turn. */
const LONGEST_TURN = 16;

/**
 * Breaks for a loop over a stream: `const rest = turns()` before it, `await rest()` in it. Where chunks are at hand they
 * come one after the other without a turn of the event loop, and browsers inflate on the thread that reads: for tens of
 * megabytes a page would stand still.
 */
export function turns(): () => Promise<void> {
  let start = performance.now();
  return async () => {
    if (performance.now() - start < LONGEST_TURN) return;
    await new Promise((resolve) => setTimeout(resolve));
    start = performance.now();
  };
}
