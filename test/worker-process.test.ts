import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { BackendUnavailableError, evaluate, OptionError, WorkerError } from '../src/index.node.js';
import { TrainingWorker } from '../src/worker/index.node.js';
import { bars } from './support.js';
import { Net, options } from './worker-model.js';

const train = bars(230);
const validation = bars(90, { seed: 2 });

describe('starting a worker', () => {
  it('throws what loading the backend throws', async () => {
    const wanted = { backend: 'native', threads: 0 } as const;
    await expect(TrainingWorker.start(wanted)).rejects.toThrow(OptionError);
    await expect(TrainingWorker.start({ thread: 1 } as never)).rejects.toThrow(
      "unknown option 'thread', did you mean 'threads'?",
    );
    process.env.TWILL_ISA = 'mmx';
    try {
      await expect(TrainingWorker.start({ backend: 'native' })).rejects.toThrow(BackendUnavailableError);
    } finally {
      delete process.env.TWILL_ISA;
    }
  });

  it('throws WorkerError where the script fails', async () => {
    const script = new URL('nowhere.js', import.meta.url);
    const missing = TrainingWorker.start({ script });
    await expect(missing).rejects.toThrow(WorkerError);
    await expect(missing).rejects.toThrow(/the worker crashed: Cannot find module .*nowhere\.js/);
    const ending = new URL('data:text/javascript,process.exit(3)');
    await expect(TrainingWorker.start({ script: ending })).rejects.toThrow('it ended with code 3');
  });

  it('rejects what waits where the worker goes down by itself', async () => {
    const real = new URL('../dist/worker/worker.node.js', import.meta.url).href;
    const code = `import { parentPort } from 'node:worker_threads';
      import '${real}';
      parentPort.on('message', ({ method }) => {
        if (method === 'nextEpoch') setImmediate(() => { throw new RangeError('boom') });
      });`;
    const script = new URL(`data:text/javascript,${encodeURIComponent(code)}`);
    const worker = await TrainingWorker.start({ script, backend: 'wasm' });
    const model = new Net();
    const run = worker.fit(model, train, { ...options(), epochs: 1_000_000 });
    const failure = await run.finish().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(WorkerError);
    expect(failure).toMatchObject({
      message: '[TrainingWorker] the worker crashed: boom',
      cause: { message: 'boom' },
    });
    expect((await evaluate(model, validation)).size).toBe(90);
  });
});

describe('a process with a worker', () => {
  const dist = new URL('../dist/', import.meta.url).href;
  const PREAMBLE = `
    import { Flatten, Linear, SGD, Sequential } from '${dist}index.node.js';
    import { ImageDataset } from '${dist}data/index.node.js';
    import { TrainingWorker } from '${dist}worker/index.node.js';
    const worker = await TrainingWorker.start({ backend: 'wasm' });
    const model = new Sequential(new Flatten(), new Linear(784, 10));
    const data = (n) => new ImageDataset({
      images: new Uint8Array(784 * n).fill(1), labels: new Uint8Array(n), shape: [1, 28, 28] });
    const fit = (train, epochs) => worker.fit(model, train, { epochs, optimizer: new SGD() }).finish();`;

  function run(script: string): Promise<{ code: number | null; output: string }> {
    const args = ['--expose-gc', '--input-type=module', '-e', PREAMBLE + script];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve({ code, output: output.trim() }));
    });
  }

  it('ends by itself while the worker is idle', async () => {
    const outcome = await run(`await fit(data(100), 2); console.log('trained');`);
    expect(outcome).toEqual({ code: 0, output: 'trained' });
  });

  it('stays until a training has ended', async () => {
    const outcome = await run(`fit(data(5000), 3).then(() => console.log('trained'));`);
    expect(outcome).toEqual({ code: 0, output: 'trained' });
  });

  it('leaves in the middle of a training', async () => {
    const outcome = await run(`fit(data(100), 1e9);
      setTimeout(() => { console.log('leaving'); process.exit(7) }, 50);`);
    expect(outcome).toEqual({ code: 7, output: 'leaving' });
  });

  it('frees data sets that nobody refers to any more, there too', async () => {
    const { output } = await run(`
      const before = process.memoryUsage.rss();
      for (let i = 0; i < 20; i++) {
        await fit(data(60_000), 0);
        await new Promise((resolve) => setImmediate(resolve));
        gc();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      console.log(Math.round((process.memoryUsage.rss() - before) / 2 ** 20));`);
    expect(Number(output), 'MB after 20 data sets of 47 MB').toBeLessThan(400);
  });
});
