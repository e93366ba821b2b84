import { EventEmitter } from 'node:events';
import type { Io } from '../src/cli/io.js';
import { run } from '../src/cli/program.js';

interface Session {
  tty: boolean;
  env: Record<string, string>;
  signals: EventEmitter;
}

/** Runs a command line in this process, as on a pipe or, with `tty`, as on a terminal. */
export async function twill(
  args: string[],
  { tty = false, env = {}, signals = new EventEmitter() }: Partial<Session> = {},
) {
  let stdout = '';
  let stderr = '';
  const output = (write: (text: string) => void) => ({ write, isTTY: tty, columns: 120, on() {}, once() {} });
  const io: Io = {
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
