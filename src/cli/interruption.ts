import type { Io } from './io.js';

/** Turns the first SIGINT or SIGTERM into an abort; a second one ends the process as if nobody listened. */
export interface Interruption {
  readonly signal: AbortSignal;
  /** The exit code that shells know: 128 plus the signal's number. */
  readonly code: number;
  release(): void;
}

/** @param onInterrupt called when the first signal comes */
export function interruptible(io: Io, onInterrupt: () => void): Interruption {
  const controller = new AbortController();
  let code = 0;
  const stop = (exitCode: number) => () => {
    release();
    code = exitCode;
    onInterrupt();
    controller.abort();
  };
  const onInt = stop(130);
  const onTerm = stop(143);
  const release = () => {
    io.signals.removeListener('SIGINT', onInt);
    io.signals.removeListener('SIGTERM', onTerm);
  };
  io.signals.once('SIGINT', onInt);
  io.signals.once('SIGTERM', onTerm);
  return {
    signal: controller.signal,
    get code() {
      return code;
    },
    release,
  };
}
