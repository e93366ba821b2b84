import {
  Conv2d,
  Flatten,
  Generator,
  Linear,
  loadBackend,
  MaxPool2d,
  ReLU,
  Sequential,
  SGD,
  Trainer,
} from 'twill';
import { DataLoader, ImageDataset } from 'twill/data';
import { TrainingWorker } from 'twill/worker';

/** The article's network. */
function network() {
  const generator = new Generator(1);
  return new Sequential(
    new Conv2d(1, 16, 5, { padding: 2, generator }),
    new ReLU(),
    new MaxPool2d(2),
    new Conv2d(16, 32, 5, { padding: 2, generator }),
    new ReLU(),
    new MaxPool2d(2),
    new Flatten(),
    new Linear(32 * 7 * 7, 10, { generator }),
  );
}

/** Noise with a bright row whose height is the label. */
function images(count) {
  const generator = new Generator(2);
  const labels = Uint8Array.from({ length: count }, () => generator.integer(10));
  const images = new Uint8Array(count * 784);
  images.forEach((_, at) => {
    const bright = Math.floor((at % 784) / 28) === 2 * labels[Math.floor(at / 784)] + 4;
    images[at] = generator.integer(90) + (bright ? 160 : 0);
  });
  return new ImageDataset({ images, labels, shape: [1, 28, 28] });
}

/** The losses of a few steps. `make` gives a trainer, here or in a worker. */
async function losses(make) {
  const trainer = make(network(), {
    inputShape: [1, 28, 28],
    batchSize: 50,
    optimizer: new SGD({ lr: 0.05, momentum: 0.9 }),
  });
  const losses = [];
  for (const batch of new DataLoader(images(500), { batchSize: 50 })) {
    losses.push((await trainer.step(batch.images, batch.labels)).loss);
  }
  return losses;
}

/** Trains on this thread and in a worker; `where` tells them what a bundler cannot. */
export async function train({ script, ...where } = {}) {
  // The worker takes the module with all kernels: both kinds are found.
  const backend = await loadBackend({ ...where, kernels: 'train' });
  const here = await losses((model, options) => new Trainer(model, { ...options, backend }));
  const worker = await TrainingWorker.start({ script, ...where });
  const there = await losses((model, options) => worker.trainer(model, options));
  await worker.close();
  return {
    here: { losses: here, info: backend.info() },
    worker: { losses: there, info: worker.info() },
  };
}

/** The same in a page, which leaves the outcome where the test looks for it. */
export function run(where) {
  train(where).then(
    (outcome) => {
      globalThis.outcome = outcome;
    },
    (error) => {
      globalThis.outcome = { error: `${error.name} ${error.message}` };
    },
  );
}
