import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

it("the README's first lines of code run as they stand", { timeout: 600_000 }, async () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const code = /```ts\n(.*?)```/s.exec(readme)![1]!;
  // Within the package, so that its own name resolves to what was built.
  mkdirSync(join(root, 'out'), { recursive: true });
  const folder = mkdtempSync(join(root, 'out', 'first-lines-'));
  try {
    writeFileSync(join(folder, 'first-lines.mjs'), code);
    const { stdout } = await promisify(execFile)(process.execPath, ['first-lines.mjs'], { cwd: folder });
    const lines = stdout.trim().split('\n').map((line) => line.split(' ').map(Number));
    expect(lines.map(([epoch]) => epoch)).toEqual([1, 2, 3, 4, 5, 6]);
    // Almost 90 %, as the article has it.
    expect(lines.at(-1)![2]).toBeGreaterThan(0.88);
    expect(existsSync(join(folder, 'fashion.safetensors'))).toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
