import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const blocks = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code!);

describe("the README's code runs as it stands", () => {
  let folder: string;

  beforeAll(() => {
    // Within the package, so that its own name resolves to what was built.
    mkdirSync(join(root, 'out'), { recursive: true });
    folder = mkdtempSync(join(root, 'out', 'readme-'));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  async function outputOf(code: string): Promise<string> {
    const { outputText } = ts.transpileModule(code, {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 },
    });
    writeFileSync(join(folder, 'block.mjs'), outputText);
    const { stdout } = await promisify(execFile)(process.execPath, ['block.mjs'], { cwd: folder });
    return stdout.trim();
  }

  it('the first lines: six epochs, almost 90 %, and the weights', { timeout: 600_000 }, async () => {
    const lines = (await outputOf(blocks[0]!)).split('\n').map((line) => line.split(' ').map(Number));
    expect(lines.map(([epoch]) => epoch)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(lines.at(-1)![2]).toBeGreaterThan(0.88);
    expect(existsSync(join(folder, 'fashion.safetensors'))).toBe(true);
  });

  it('a class, with its summary', async () => {
    expect(await outputOf(blocks[1]!)).toMatch(/cnn1 +conv2d +16x28x28 +416 +627,200/);
  });

  it('functions', async () => {
    expect(await outputOf(blocks[2]!)).toBe('[ 1, 1, 2, 2 ] Float32Array(4) [ 6, 8, 12, 14 ]');
  });

  it('a loop', async () => {
    expect((await outputOf(blocks[3]!)).split('\n').length).toBe(10);
  });

  it('leaves no block out', () => {
    expect(blocks.length).toBe(4);
  });
});
