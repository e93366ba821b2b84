import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  Adam,
  AdamW,
  fit,
  LinearLR,
  loadBackend,
  OneCycleLR,
  type Optimizer,
  RMSprop,
  SequentialLR,
  SGD,
  StepLR,
  toBytes,
  Trainer,
} from '../src/index.node.js';
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

  const everything = () => ({
    optimizer: new SGD({ lr: 0.05 }),
    schedule: new SequentialLR({
      schedules: [
        new LinearLR({ totalIters: 6, interval: 'step' }),
        new OneCycleLR({ maxLr: 0.1, maxMomentum: 0.9 }),
      ],
      milestones: [6],
    }),
    batchSize: 40,
    epochs: 8,
    shuffle: true,
    seed: 3,
    validation: bars(50, { seed: 2 }),
    averaging: { decay: 0.8 },
    clipGradNorm: 0.7,
    earlyStopping: { patience: 2, minDelta: 0.05, monitor: 'accuracy' as const },
  });
  const untimed = (epochs: readonly object[]) =>
    epochs.map((epoch) => ({ ...epoch, seconds: 0, evalSeconds: 0 }));

  it('with a schedule, averages, early stopping and checkpoints, from which either goes on', async () => {
    const backend = await loadBackend({ backend: 'wasm' });
    const run = async (where: typeof fit | TrainingWorker['fit'], more: object) => {
      const model = new Net();
      const checkpoints: Uint8Array[] = [];
      const checkpoint = { to: (bytes: Uint8Array) => void checkpoints.push(bytes), every: 4 };
      const options = { ...everything(), checkpoint, ...more };
      const training = where(model, train, options);
      const { epochs, best } = await training.finish();
      expect(training.stoppedEarly).toBe(true);
      expect(options.optimizer.options).toEqual(everything().optimizer.options);
      return { model: toBytes(model), epochs: untimed(epochs), best, checkpoints };
    };
    const here = await run(fit, { backend });
    const there = await run(worker.fit.bind(worker), {});
    expect({ ...there, checkpoints: [] }).toEqual({ ...here, checkpoints: [] });
    expect(there.checkpoints.length).toBe(here.checkpoints.length);
    // Seconds are in them, so that the bytes differ.
    const [, resume] = there.checkpoints;
    const [, other] = here.checkpoints;
    for (const bytes of [resume, other]) {
      const again = [
        await run(fit, { backend, resume: bytes }),
        await run(worker.fit.bind(worker), { resume: bytes }),
      ];
      for (const one of again) expect({ ...one, checkpoints: [] }).toEqual({ ...here, checkpoints: [] });
    }
  });

  it('and ends with what keeping a checkpoint throws', async () => {
    const to = () => {
      throw new RangeError('full');
    };
    const failing = worker.fit(new Net(), train, { ...everything(), checkpoint: { to } });
    await expect(failing.finish()).rejects.toThrow('full');
    const schedule = new (class extends StepLR {})({ stepSize: 1 });
    expect(() => worker.fit(new Net(), train, { ...everything(), schedule })).toThrow(
      '[TrainingWorker] schedule must be one that a worker knows',
    );
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
