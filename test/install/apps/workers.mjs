// Two workers and the main thread load the backend, train, and end in different ways.
import { Worker, isMainThread, parentPort } from 'node:worker_threads';
import { Flatten, Linear, SGD, Sequential, fit, loadBackend } from 'twill';
import { ImageDataset } from 'twill/data';
import { TrainingWorker } from 'twill/worker';

const { backend } = (await loadBackend()).info();
const labels = Uint8Array.from({ length: 100 }, (_, n) => n % 2);
const images = new Uint8Array(100 * 16).map((_, at) => 255 * labels[Math.floor(at / 16)]);
const data = new ImageDataset({ images, labels, shape: [1, 4, 4] });
const model = () => new Sequential(new Flatten(), new Linear(16, 2));
const options = { epochs: 5, batchSize: 10, optimizer: new SGD({ lr: 0.1 }) };
await fit(model(), data, options).finish();

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url));
  await new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject));
  await worker.terminate();
  const trainer = await TrainingWorker.start();
  await trainer.fit(model(), data, options).finish();
  console.log(JSON.stringify({ backend, worker: trainer.info().backend }));
} else {
  parentPort.postMessage('trained');
}
