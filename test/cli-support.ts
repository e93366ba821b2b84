import { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';
import type { Io } from '../src/cli/io.js';
import { run } from '../src/cli/program.js';

interface Session {
  tty: boolean;
  env: Record<string, string>;
  signals: EventEmitter;
  stdin: Uint8Array;
}

/** Runs a command line in this process, as on a pipe or, with `tty`, as on a terminal. */
export async function twill(
  args: string[],
  { tty = false, env = {}, signals = new EventEmitter(), stdin = new Uint8Array() }: Partial<Session> = {},
) {
  let stdout = '';
  let stderr = '';
  const output = (write: (text: string) => void) => ({ write, isTTY: tty, columns: 120, on() {}, once() {} });
  const io: Io = {
    stdin: Readable.from([stdin]),
    stdout: output((text) => {
      stdout += text;
    }),
    stderr: output((text) => {
      stderr += text;
    }),
    env,
    signals,
  };
  const code = await run(args, io);
  return { code, stdout, stderr };
}
