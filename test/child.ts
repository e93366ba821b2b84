import { spawn } from 'node:child_process';

/** Where a script of a child process finds what was built. */
export const dist = new URL('../dist/', import.meta.url).href;

export interface Outcome {
  code: number | null;
  signal: string | null;
  output: string;
}

/**
 * Runs a module in a process of its own, behind `before`, `['prlimit', '--as=1000000000']` for instance. `import` of
 * `twill` and `twill/data` in it find what was built.
 */
export function runChild(
  script: string,
  { before = [], args = [] }: { before?: readonly string[]; args?: readonly string[] } = {},
): Promise<Outcome> {
  const code = script
    .replaceAll("'twill/data'", `'${dist}data/index.node.js'`)
    .replaceAll("'twill'", `'${dist}index.node.js'`);
  const [command, ...rest] = [
    ...before,
    process.execPath,
    '--expose-gc',
    '--input-type=module',
    '-e',
    code,
    '--',
    ...args,
  ];
  const child = spawn(command!, rest, {
    env: { ...process.env, TWILL_ISA: '', TWILL_BACKEND: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, output: output.trim() }));
  });
}
