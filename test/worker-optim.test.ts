import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Adam, AdamW, fit, loadBackend, type Optimizer, RMSprop, SGD, Trainer } from '../src/index.node.js';
import { TrainingWorker } from '../src/worker/index.node.js';
import { bars, weightsOf } from './support.js';
import { Net } from './worker-model.js';

const train = bars(230);
const [batch, size] = [20, train.shape.reduce((a, b) => a * b, 1)];
const pixels = (train.images as Uint8Array).subarray(0, batch * size);
const labels = train.labels.subarray(0, batch);

const OPTIMIZERS: Readonly<Record<string, () => Optimizer>> = {
  Adam: () => new Adam({ lr: 0.01, amsgrad: true }),
  AdamW: () => new AdamW({ lr: 0.01, groups: [{ parameters: /bias$/, weightDecay: 0 }] }),
  RMSprop: () => new RMSprop({ lr: 0.001, momentum: 0.9, centered: true }),
  SGD: () => new SGD({ lr: 0.1, groups: [{ parameters: /weight$/, momentum: 0.9, lr: 0.05 }] }),
};

describe('a worker trains to the bits of this thread', () => {
  let worker: TrainingWorker;
  beforeAll(async () => {
    worker = await TrainingWorker.start({ backend: 'wasm' });
  });
  afterAll(() => worker.terminate());

  it.each(Object.keys(OPTIMIZERS))('with %s, its groups and learning rates set in between', async (name) => {
    const backend = await loadBackend({ backend: 'wasm' });
    const trained = async (where: typeof fit | TrainingWorker['fit'], more: object) => {
      const model = new Net();
      const optimizer = OPTIMIZERS[name]!();
      for await (const _ of where(model, train, { optimizer, batchSize: 40, epochs: 3, ...more })) {
        optimizer.lr /= 2;
        const [group] = optimizer.groups;
        if (group) group.lr *= 0.7;
      }
      return weightsOf(model);
    };
    expect(await trained(worker.fit.bind(worker), {})).toEqual(await trained(fit, { backend }));
  });

  it('with clipped gradients and averaged weights', async () => {
    const backend = await loadBackend({ backend: 'wasm' });
    const options = () => ({
      inputShape: train.shape,
      optimizer: new Adam(),
      clipGradNorm: 0.5,
      averaging: { decay: 0.8 },
    });
    const [here, there] = [new Net(), new Net()];
    const trainer = new Trainer(here, { ...options(), backend });
    const remote = worker.trainer(there, options());
    for (let step = 0; step < 5; step++) {
      expect(await remote.step(pixels, labels)).toEqual(trainer.stepSync(pixels, labels));
    }
    await remote.sync();
    expect(weightsOf(there)).toEqual(weightsOf(here));
    trainer.exchangeAverage();
    await remote.sync({ averaged: true });
    expect(weightsOf(there)).toEqual(weightsOf(here));
  });
});
