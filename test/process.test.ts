import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const entry = new URL('../dist/index.node.js', import.meta.url).href;

/** What every script below begins with: a trainer whose step takes some milliseconds. */
const PREAMBLE = `
import * as twill from 'ENTRY';
import { Worker, isMainThread, parentPort } from 'node:worker_threads';
import { setTimeout as wait } from 'node:timers/promises';
const { Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential, SGD, Trainer, loadBackend } = twill;
async function makeTrainer(options) {
  const backend = await loadBackend(options);
  const model = new Sequential(new Conv2d(1, 16, 5, { padding: 2 }), new ReLU(), new MaxPool2d(2),
    new Conv2d(16, 32, 5, { padding: 2 }), new ReLU(), new MaxPool2d(2), new Flatten(), new Linear(1568, 10));
  const trainer = new Trainer(model, { inputShape: [1, 28, 28], optimizer: new SGD({ lr: 0.01 }), backend });
  const images = new Uint8Array(100 * 784).map((_, i) => (i * 7919) % 256);
  const labels = new Uint8Array(100).map((_, i) => i % 10);
  return () => trainer.step(images, labels);
}
`;

interface Outcome {
  code: number | null;
  signal: string | null;
  output: string;
  seconds: number;
}

/** Runs a module in a process of its own. */
function run(script: string, env: Record<string, string> = {}, from = entry): Promise<Outcome> {
  const started = performance.now();
  const child = spawn(
    process.execPath,
    ['--input-type=module', '-e', (PREAMBLE + script).replaceAll('ENTRY', from)],
    {
      env: { ...process.env, TWILL_ISA: '', TWILL_BACKEND: '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve({ code, signal, output: output.trim(), seconds: (performance.now() - started) / 1000 });
    });
  });
}

describe.each(['native', 'wasm'])('a process that trains on %s', (backend) => {
  const trainer = `const step = await makeTrainer({ backend: '${backend}' });`;

  it('ends by itself when nothing is left to run', async () => {
    const { code, output } = await run(`${trainer} await step(); console.log('trained');`);
    expect({ code, output }).toEqual({ code: 0, output: 'trained' });
  });

  it('leaves in the middle of a step', async () => {
    const { code, output } = await run(
      `${trainer} await step(); step(); console.log('leaving'); process.exit(7);`,
    );
    expect({ code, output }).toEqual({ code: 7, output: 'leaving' });
  });

  it('burns no CPU between steps', async () => {
    const { output } = await run(`${trainer}
      for (let i = 0; i < 5; i++) await step();
      await wait(100);
      const before = process.cpuUsage();
      await wait(1000);
      const { user, system } = process.cpuUsage(before);
      console.log(Math.round((user + system) / 1000));`);
    expect(Number(output), 'CPU milliseconds in an idle second').toBeLessThan(50);
  });

  it('has workers that train side by side and die in the middle of a step', async () => {
    // The script is its own worker: an ES module that no file holds travels as a data: URL.
    const { code, output } = await run(`
      const source = \`${PREAMBLE.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${')}
        const step = await makeTrainer({ backend: '${backend}', threads: 2 });
        await step();
        parentPort.postMessage('trained');
        for (;;) await step();
      \`;
      const start = () => new Worker(new URL('data:text/javascript,' + encodeURIComponent(source)));
      for (let round = 0; round < 3; round++) {
        const workers = [start(), start(), start(), start()];
        const trained = workers.map((worker) => new Promise((resolve, reject) => {
          worker.on('message', resolve);
          worker.on('error', reject);
        }));
        await Promise.all(trained);
        await wait(20 * round);
        await Promise.all(workers.map((worker) => worker.terminate()));
      }
      ${trainer}
      await step();
      console.log('survived');`);
    expect({ code, output }).toEqual({ code: 0, output: 'survived' });
  }, 120_000);
});

describe('the native backend', () => {
  it('leaves the event loop free while it computes', async () => {
    const { output } = await run(`const step = await makeTrainer({ backend: 'native', threads: 1 });
      await step();
      let turns = 0;
      const timer = setInterval(() => turns++, 0);
      for (let i = 0; i < 20; i++) await step();
      clearInterval(timer);
      console.log(turns);`);
    // A step takes milliseconds: a free loop turns at least once in each.
    expect(Number(output)).toBeGreaterThan(20);
  });

  it('computes with as many threads as it is told to, option before variable', async () => {
    const script = `
      const threads = async (options) => (await loadBackend({ backend: 'native', ...options })).info().threads;
      console.log(await threads(), await threads({ threads: 3 }));`;
    expect((await run(script, { OMP_NUM_THREADS: '5,2' })).output).toBe('5 3');
    expect((await run(script, { OMP_NUM_THREADS: 'many' })).output).toMatch(
      /OMP_NUM_THREADS must be a whole number from 1 to 1024 but is "many"/,
    );
  });

  it('refuses an instruction set that is unknown rather than falling back', async () => {
    const script = `await loadBackend().catch((error) => console.log(error.name, error.message));`;
    expect((await run(script, { TWILL_ISA: 'mmx' })).output).toMatch(
      /^BackendUnavailableError isa 'mmx' is none of .* \(this machine has .*\)$/,
    );
  });
});

describe('a package without the addon', () => {
  const home = mkdtempSync(join(tmpdir(), 'twill-'));
  beforeAll(() => {
    cpSync(new URL('../dist', import.meta.url), join(home, 'dist'), { recursive: true });
    symlinkSync(fileURLToPath(new URL('../node_modules', import.meta.url)), join(home, 'node_modules'));
    cpSync(new URL('../package.json', import.meta.url), join(home, 'package.json'));
  });
  afterAll(() => rmSync(home, { recursive: true, force: true }));
  const copied = () => pathToFileURL(join(home, 'dist/index.node.js')).href;

  it('computes with WebAssembly, with one warning and the reason in info()', async () => {
    const script = `const { backend, fallbacks } = (await loadBackend()).info();
      await loadBackend();
      console.log(backend, fallbacks[0]);`;
    const { code, output } = await run(script, {}, copied());
    expect(code).toBe(0);
    expect(output).toMatch(
      /^wasm the native backend cannot be had: Cannot find module .*twill\.node.* To get it, run/m,
    );
    expect(output.match(/TwillWarning: twill computes with the wasm backend: /g)).toHaveLength(1);
  });

  it('says every reason and the remedy when the addon is asked for', async () => {
    const script = `await loadBackend().catch((error) => console.log(error.name, error.message));`;
    const { output } = await run(script, { TWILL_BACKEND: 'native' }, copied());
    expect(output).toMatch(
      /^BackendUnavailableError \[loadBackend\] no backend \(tried native\): .*Cannot find module.*To get it, run `npm run setup`/,
    );
  });
});
