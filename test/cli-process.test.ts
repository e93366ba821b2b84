import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
/** The command is there once `npm run build:ts` has run, as `npm test` does first. */
const built = existsSync(main);

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'twill-process-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

function start(...args: string[]) {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    output.stderr += text;
  });
  return { child, output };
}

const end = (child: ChildProcess) =>
  new Promise<{ code: number | null; signal: string | null }>((done) => {
    child.once('close', (code, signal) => done({ code, signal }));
  });

async function until(condition: () => boolean) {
  const deadline = Date.now() + 60_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('waited for a minute');
    await new Promise((done) => setTimeout(done, 10));
  }
}

describe.skipIf(!built)('the built command, as a process', () => {
  test('Ctrl-C ends a training with its files written and exit code 130', async () => {
    const out = join(directory, 'interrupted');
    const { child, output } = start('train', '--epochs', '1000', '--limit', '200', '--out', out);
    await until(() => output.stderr.includes('images to train on'));
    await new Promise((done) => setTimeout(done, 200));
    child.kill('SIGINT');
    expect(await end(child)).toEqual({ code: 130, signal: null });
    expect(output.stderr).toContain('interrupted');
    expect(await readdir(out)).toContain('model.safetensors');
    expect((await readdir(out)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test('a second Ctrl-C ends it at once', async () => {
    const { child, output } = start(
      'train',
      '--epochs',
      '1000',
      '--limit',
      '200',
      '--out',
      join(directory, 'twice'),
    );
    await until(() => output.stderr.includes('images to train on'));
    child.kill('SIGINT');
    await until(() => output.stderr.includes('interrupted'));
    child.kill('SIGINT');
    expect((await end(child)).signal).toBe('SIGINT');
  });

  test('a reader that stops reading is no error', async () => {
    const { child, output } = start('train', '--help');
    child.stdout!.destroy();
    expect((await end(child)).code).toBe(0);
    expect(output.stderr).toBe('');
  });

  test('a mistake exits with 2, and without touching the working directory', async () => {
    const { child, output } = start('train', '--epochs', 'many');
    expect((await end(child)).code).toBe(2);
    expect(output).toEqual({
      stdout: '',
      stderr:
        "twill: option '--epochs <n>' argument 'many' is invalid: it must be a whole number of at least 1\n",
    });
  });
});
