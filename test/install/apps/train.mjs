// A hundred steps on images that a small network can tell apart; prints what a test looks at, as one line of JSON.
import { readFileSync } from 'node:fs';
import {
  Conv2d,
  Flatten,
  Generator,
  Linear,
  MaxPool2d,
  ReLU,
  SGD,
  Sequential,
  Trainer,
  loadBackend,
} from 'twill';

const generator = new Generator(1);
const labels = Uint8Array.from({ length: 64 }, (_, n) => n % 4);
const images = Uint8Array.from({ length: 64 * 64 }, (_, at) => {
  const bright = Math.floor((at % 64) / 16) === labels[Math.floor(at / 64)];
  return (bright ? 160 : 0) + generator.integer(90);
});

const backend = await loadBackend();
const model = new Sequential(
  new Conv2d(1, 8, 3, { padding: 1 }),
  new ReLU(),
  new MaxPool2d(2),
  new Flatten(),
  new Linear(8 * 4 * 4, 4),
);
const trainer = new Trainer(model, { inputShape: [1, 8, 8], optimizer: new SGD({ lr: 0.1 }), backend });
const losses = [];
for (let step = 0; step < 100; step++) losses.push((await trainer.step(images, labels)).loss);

/** Files of OpenMP runtimes that are mapped into this process. */
function openmp() {
  try {
    return [...new Set(readFileSync('/proc/self/maps', 'latin1').match(/\/\S*lib[gi]?omp\S*/g))];
  } catch {
    return [];
  }
}

console.log(JSON.stringify({ ...backend.info(), first: losses[0], last: losses[99], openmp: openmp() }));
