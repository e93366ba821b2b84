import { describe, expect, it } from 'vitest';
import { dist, runChild } from './child.js';

// A long life without a single dispose call. `npm run test:nightly` lives it in full.
const nightly = Number(process.env.TWILL_TEST_RUNS ?? 0) >= 1000;

/**
 * What a process holds, and not what its allocators keep for later: free blocks go back to the system at once (glibc
 * else keeps those below its last one: 3 to 9 MiB of this life, come and gone), and V8's young generation has its size
 * from the first step (else it grows by 17 MiB in the first 9000).
 */
const HELD_ALONE = ['env', 'MALLOC_MMAP_THRESHOLD_=32768', 'NODE_OPTIONS=--max-semi-space-size=2'];

const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** Trains, predicts, evaluates, aborts, and makes and drops models and trainers; prints its memory in MiB as it goes. */
const LIFE = `
import { BatchNorm2d, Conv2d, evaluate, fit, Flatten, functional, Generator, Linear, loadBackend, MaxPool2d, predict,
  ReLU, Sequential, SGD, toBytes, Trainer } from 'twill';
import { ImageDataset } from 'twill/data';
const [kind, steps] = process.argv.slice(-2);
const backend = await loadBackend({ backend: kind, threads: 2 });
const generator = new Generator(1);
const images = Uint8Array.from({ length: 60 * 196 }, () => generator.integer(256));
const labels = Uint8Array.from({ length: 60 }, (_, at) => at % 4);
const data = new ImageDataset({ images, labels, shape: [1, 14, 14] });
const makeModel = () => new Sequential(new Conv2d(1, 8, 3, { padding: 1 }), new BatchNorm2d(8), new ReLU(),
  new MaxPool2d(2), new Flatten(), new Linear(8 * 49, 4));
const optimizer = () => new SGD({ lr: 0.01, momentum: 0.9 });
const makeTrainer = () =>
  new Trainer(makeModel(), { inputShape: [1, 14, 14], optimizer: optimizer(), batchSize: 60, backend });
let trainer = makeTrainer();
const resident = [];
for (let step = 1; step <= Number(steps); step++) {
  if (step % 2) trainer.stepSync(images, labels);
  else await trainer.step(images, labels);
  if (step % 10 === 0) await predict(trainer.model, data, { backend });
  if (step % 25 === 0) await evaluate(trainer.model, data, { backend });
  if (step % 40 === 0) trainer = makeTrainer();
  if (step % 50 === 0) toBytes(trainer.model);
  if (step % 100 === 0) {
    const controller = new AbortController();
    let taken = 0;
    const onBatch = () => ++taken === 3 && controller.abort();
    const options = { optimizer: optimizer(), batchSize: 20, epochs: 9, backend, onBatch, signal: controller.signal };
    await fit(makeModel(), data, options).finish();
  }
  if (step % 100 === 50) await trainer.step(images.subarray(1), labels).then(() => process.exit(9), () => {});
  if (step % (Number(steps) / 20) === 0) {
    // What is held counts, not what the collector has not looked at yet; what it found goes in turns of the event loop.
    for (let i = 0; i < 3; i++) gc(), await new Promise((resolve) => setTimeout(resolve, 5));
    resident.push(Math.round(process.memoryUsage().rss / 2 ** 20));
  }
}
console.log(resident.join(' '));
`;

describe.each(['native', 'wasm'])('a long life on %s', (backend) => {
  it('has a memory that stays as it is, without any dispose()', async () => {
    const { code, output } = await runChild(LIFE, {
      before: HELD_ALONE,
      args: [backend, nightly ? '100000' : '20000'],
    });
    expect(code, output).toBe(0);
    const resident = output.split(' ').map(Number);
    // The engine compiles for some 3000 steps.
    const [early, late] = [resident.slice(3, 9), resident.slice(14)].map(median);
    expect(late! / early!, `MiB: ${output}`).toBeLessThan(1.05);
  }, 900_000);

  it('has workers that load, train and are terminated, sixteen at once', async () => {
    const worker = `
      const { parentPort } = require('node:worker_threads');
      import('${dist}index.node.js').then(async (twill) => {
        const backend = await twill.loadBackend({ backend: '${backend}', threads: 2 });
        const model = new twill.Sequential(new twill.Conv2d(1, 8, 5), new twill.Flatten(), new twill.Linear(800, 4));
        const optimizer = new twill.SGD({ lr: 0.01 });
        const trainer = new twill.Trainer(model, { inputShape: [1, 14, 14], optimizer, backend });
        const images = new Uint8Array(50 * 196).fill(7);
        await trainer.step(images, new Uint8Array(50));
        parentPort.postMessage('trained');
        for (;;) await trainer.step(images, new Uint8Array(50));
      });`;
    const { code, output } = await runChild(
      `import { Worker } from 'node:worker_threads';
      const resident = [];
      const rounds = Number(process.argv.at(-1));
      for (let round = 0; round < rounds; round++) {
        const workers = Array.from({ length: 16 }, () => new Worker(${JSON.stringify(worker)}, { eval: true, execArgv: [] }));
        await Promise.all(workers.map((one) => new Promise((resolve, reject) => {
          one.on('message', resolve);
          one.on('error', reject);
        })));
        await Promise.all(workers.map((one) => one.terminate()));
        resident.push(Math.round(process.memoryUsage().rss / 2 ** 20));
      }
      console.log(resident.join(' '));`,
      { args: [nightly ? '50' : '2'] },
    );
    expect(code, output).toBe(0);
    if (!nightly) return;
    // The allocator's arenas, of which threads have their own, find their size in some ten rounds.
    const resident = output.split(' ').map(Number);
    const [early, late] = [resident.slice(10, 25), resident.slice(25)].map(median);
    expect(late! / early!, `MiB: ${output}`).toBeLessThan(1.05);
  }, 900_000);
});
