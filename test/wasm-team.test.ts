import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { WasmBackend } from '../src/backend/wasm.js';
import { fileOf, preparation } from '../src/backend/wasm_module.js';
import { type SpawnMember, Team } from '../src/backend/wasm_team.js';
import { BackendError, Conv2d, Flatten, Linear, ReLU, Sequential, SGD, Trainer } from '../src/index.node.js';

/** A thread that joins, and serves; but member 1 fails after a while, whether it was called meanwhile or not. */
const FAILING = `
  const { parentPort, workerData: { module, memory, thread, stack } } = require('node:worker_threads');
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  exports.__stack_pointer.value = stack;
  exports.join();
  parentPort.postMessage('joined');
  if (thread !== 1) for (;;) { exports.serve(thread); parentPort.postMessage('ended'); }
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  exports.abandon();`;

const variant = { isa: 'simd128', threads: true, kernels: 'all' } as const;

const spawn: SpawnMember = (workerData, { word, failure }) => {
  const worker = new Worker(FAILING, { eval: true, workerData });
  worker.on('message', word);
  worker.on('error', failure);
  return {
    terminate: () => void worker.terminate(),
    keepAlive: (alive) => (alive ? worker.ref() : worker.unref()),
  };
};

/** A trainer on three threads, one of which is going to fail. */
function failingTrainer(): { trainer: Trainer; backend: WasmBackend } {
  const file = new URL(`../dist/wasm/${fileOf(variant)}`, import.meta.url);
  const module = new WebAssembly.Module(readFileSync(file));
  const { imports, complete } = preparation(variant, module);
  const instance = complete(new WebAssembly.Instance(module, imports));
  const backend = new WasmBackend(instance);
  const team = new Team(instance, 3, spawn);
  team.awaitArrival();
  backend.useTeam(team);
  const model = new Sequential(new Conv2d(1, 8, 3), new ReLU(), new Flatten(), new Linear(8 * 26 * 26, 2));
  const optimizer = new SGD({ lr: 0.1 });
  const trainer = new Trainer(model, { inputShape: [1, 28, 28], batchSize: 64, optimizer, backend });
  return { trainer, backend };
}

const images = new Uint8Array(64 * 784).fill(100);
const labels = new Uint8Array(64);

it('a thread that fails ends a run that is waited for with an error, and all after it', async () => {
  const { trainer, backend } = failingTrainer();
  for (let attempt = 0; attempt < 2; attempt++) {
    expect(() => trainer.stepSync(images, labels)).toThrow(BackendError);
    expect(() => trainer.stepSync(images, labels)).toThrow(/a thread of the WebAssembly backend failed/);
  }
  await expect(trainer.step(images, labels)).rejects.toThrow(BackendError);
  backend.dispose();
});

it('and one that is not waited for', async () => {
  const { trainer, backend } = failingTrainer();
  await expect(trainer.step(images, labels)).rejects.toThrow(/a thread .* failed/);
  expect(() => trainer.stepSync(images, labels)).toThrow(BackendError);
  backend.dispose();
});
