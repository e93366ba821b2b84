import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

// typedoc.json: what is exported, referenced or linked without being documented is an error.
test('the API reference has every public symbol', { timeout: 120_000 }, async () => {
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const typedoc = fileURLToPath(new URL('bin/typedoc', import.meta.resolve('typedoc/package.json')));
  const run = promisify(execFile)(process.execPath, [typedoc, '--emit', 'none'], { cwd });
  const { stdout, stderr } = await run.catch((failed: { stdout: string; stderr: string }) => failed);
  expect(stdout + stderr).toBe('');
});
