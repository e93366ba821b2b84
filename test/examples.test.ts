import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { encode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { fashionMnist } from '../src/data/index.node.js';

// As built by `npm run build:examples`, on the built package, each as short as it can be.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const main = fileURLToPath(new URL('../build/examples/run.js', import.meta.url));
let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'twill-examples-'));
});
afterAll(() => rmSync(cwd, { recursive: true }));

async function example(...args: string[]): Promise<string[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [main, ...args], { cwd });
  return stdout.split('\n');
}

test('article: every step, in its order', async () => {
  const lines = await example('article', '--images', '3000', '--epochs', '1', '--out', 'article');
  const headings = lines.filter((_, n) => /^-+$/.test(lines[n + 1] ?? ''));
  expect(headings).toEqual([
    '1. The data',
    '2. The categories',
    '3. The network',
    '4. Its parameters',
    '5. Training: cost and accuracy by epoch',
    '6. What it gets wrong',
    "7. The article's advice: smaller kernels",
  ]);
  const { train } = await fashionMnist();
  const boots = Array.from(train.labels.subarray(0, 3000)).filter((label) => label === 9).length;
  expect(lines).toContain(`9 Ankle boot   ${boots} images`);
  expect(lines).toContain('cnn2.weight  32 x 16 x 5 x 5  12800');
  const [accuracy] = lines.flatMap((line) => /^epoch 1 .*accuracy (.*) %/.exec(line)?.[1] ?? []);
  const wrong = lines.find((line) => line.includes('of 10000 images; the five'))!.split(' ')[0];
  expect(Number(wrong)).toBe(Math.round(10000 - 100 * Number(accuracy)));
  expect(Number(accuracy)).toBeGreaterThan(50);
  expect(lines.at(-3)).toMatch(/^5x5 {3}28938 parameters {3}.* after 1 epochs/);
  expect(lines.at(-2)).toMatch(/^3x3 {3}20490 parameters {3}.* after 1 epochs/);
  expect(readdirSync(join(cwd, 'article')).sort()).toEqual([
    'categories.png',
    'history-3x3.png',
    'history.png',
    'misclassified.png',
  ]);
});

test('residual: it learns', async () => {
  const lines = await example('residual', '--images', '3000', '--epochs', '2');
  expect(lines.some((line) => /^add +add/.test(line))).toBe(true);
  const epochs = lines.filter((line) => line.startsWith('epoch'));
  expect(epochs.map((line) => line.split(' ')[1])).toEqual(['1', '2']);
  expect(Number(/accuracy (.*) %/.exec(epochs[1]!)![1])).toBeGreaterThan(60);
});

describe('own-images', () => {
  test('draws a folder where there is none, and tells its classes apart', async () => {
    const lines = await example('own-images', '--out', 'shapes.safetensors');
    expect(lines[0]).toBe('240 images to train on, 60 to test, 24 x 24');
    const classes = lines.flatMap((line) => /^(cross|disc|square): (\d+) of (\d+)$/.exec(line) ?? []);
    expect(classes.length).toBe(12);
    const right = [2, 6, 10].reduce((sum, at) => sum + Number(classes[at]), 0);
    expect(right).toBeGreaterThan(44);
    const header = readFileSync(join(cwd, 'shapes.safetensors')).subarray(8).toString('latin1');
    expect(header).toContain('"7.weight"');
  });

  test('names the picture that does not fit', async () => {
    for (const [name, width] of [
      ['a', 8],
      ['b', 9],
    ] as const) {
      mkdirSync(join(cwd, 'odd', name), { recursive: true });
      const png = encode({ width, height: 8, channels: 1, data: new Uint8Array(8 * width) });
      writeFileSync(join(cwd, 'odd', name, '1.png'), png);
    }
    await expect(example('own-images', 'odd')).rejects.toThrow(
      /odd\/b\/1\.png is 9 x 8 pixels but those before/,
    );
  });
});

describe('serve', () => {
  let server: ChildProcess;
  let address: string;
  let shoe: Uint8Array<ArrayBuffer>;
  beforeAll(async () => {
    const { image } = (await fashionMnist()).test.get(0);
    shoe = encode({ width: 28, height: 28, channels: 1, data: image as Uint8Array }) as typeof shoe;
    const args = [main, 'serve', '--port', '0', '--images', '6000'];
    server = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
    [address] = (await once(createInterface(server.stdout!), 'line')) as [string];
  });
  afterAll(() => server?.kill('SIGKILL'));

  const post = (body: Uint8Array<ArrayBuffer>) => fetch(address, { method: 'POST', body });

  test('says what a picture shows', async () => {
    const { top } = (await (await post(shoe)).json()) as { top: { class: string; probability: number }[] };
    expect(top[0]!.class).toBe('Ankle boot');
    expect(top[0]!.probability).toBeGreaterThan(top[1]!.probability);
    expect(top.length).toBe(3);
  });

  test('answers many at once alike, and other requests in between', async () => {
    const one = await (await post(shoe)).text();
    const many = Array.from({ length: 60 }, () => post(shoe).then((answer) => answer.text()));
    const health = await fetch(new URL('/health', address));
    expect(await health.json()).toEqual({ ok: true });
    expect(new Set(await Promise.all(many))).toEqual(new Set([one]));
  });

  test('refuses what is no such picture', async () => {
    const wide = encode({ width: 29, height: 28, channels: 1, data: new Uint8Array(29 * 28) });
    const answers = [
      await post(Buffer.from('no picture')),
      await post(wide as typeof shoe),
      await post(new Uint8Array(65 * 1024)),
      await fetch(address),
    ];
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 413, 404]);
    expect(await answers[1]!.json()).toEqual({ error: 'expected 28 x 28 pixels but got 29 x 28' });
  });

  test('ends by itself when it is told to', async () => {
    server.kill('SIGTERM');
    expect(await once(server, 'exit')).toEqual([0, null]);
  });
});

test('an example that does not exist', async () => {
  await expect(example('mnist')).rejects.toThrow('usage: npm run example article|residual|own-images|serve');
});
