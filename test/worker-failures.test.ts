import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ImageDataset } from '../src/data/index.node.js';
import {
  evaluate,
  fit,
  LabelError,
  loadBackend,
  NumericError,
  OptionError,
  SGD,
  ShapeError,
  WorkerError,
} from '../src/index.node.js';
import { TrainingWorker } from '../src/worker/index.node.js';
import { bars, weightsOf } from './support.js';
import { Net, options } from './worker-model.js';

const train = bars(230);
const validation = bars(90, { seed: 2 });

describe.each(['native', 'wasm'] as const)('failures and ends of a worker that computes with %s', (name) => {
  let worker: TrainingWorker;
  const backend = () => loadBackend({ backend: name, threads: name === 'native' ? 2 : undefined });
  const start = () => TrainingWorker.start({ backend: name, threads: name === 'native' ? 2 : undefined });
  beforeAll(async () => {
    worker = await start();
  });
  afterAll(() => worker.terminate());

  it('throws what was thrown: class, message, where', async () => {
    const model = new Net();
    const broken = new Net();
    broken.conv.weight.write(broken.conv.weight.read().fill(Number.POSITIVE_INFINITY));
    const rejection = async (promise: Promise<unknown>) => promise.catch((error: unknown) => error as Error);

    const numeric = await rejection(worker.fit(broken, train, options()).finish());
    expect(numeric).toBeInstanceOf(NumericError);
    expect(numeric).toMatchObject({
      name: 'NumericError',
      message: expect.stringMatching(/^\[fit\] the loss became NaN in epoch 1, batch 1 of 5/) as string,
    });
    expect((numeric as Error).stack).toMatch(/^NumericError: .*\n\s+at .*divergence\.js/);

    const eight = new ImageDataset({ images: train.images, labels: labels(230, 7), shape: [1, 8, 8] });
    await expect(worker.fit(model, eight, options()).finish()).rejects.toThrow(LabelError);
    await expect(worker.evaluate(model, eight)).rejects.toThrow(
      'label 0 is 7 but the model has classes 0 to 3',
    );
    const wide = new ImageDataset({ images: train.images, labels: labels(115), shape: [2, 8, 8] });
    await expect(worker.fit(model, wide, options()).finish()).rejects.toThrow(ShapeError);
    await expect(worker.evaluate(model, wide)).rejects.toThrow(
      '[conv2d conv] expected 1 input channels (weight 8x1x3x3) but got 2',
    );
    await expect(worker.evaluate(model, train, { batchSize: 0 })).rejects.toThrow(OptionError);
    await expect(worker.predict(model, { images: new Uint8Array(3), shape: [1, 8, 8] })).rejects.toThrow(
      ShapeError,
    );
    const trainer = worker.trainer(model, { inputShape: train.shape, optimizer: new SGD(), batchSize: 8 });
    await expect(trainer.step(train.images, train.labels)).rejects.toThrow(
      "got 230 images but the trainer's batchSize is 8",
    );
    const few = train.subset(0, 8);
    await expect(trainer.step(few.images, new Int32Array(8).fill(4))).rejects.toThrow(LabelError);
    await expect(trainer.step(few.images, few.labels.subarray(1))).rejects.toThrow(
      'got 8 images but 7 labels',
    );
  });

  it('looks at every layer where it is asked to', async () => {
    const broken = new Net();
    broken.conv.weight.write(broken.conv.weight.read().fill(3e38));
    const rejection = async (run: Promise<unknown>) => run.catch((error: unknown) => error as NumericError);
    const fitted = await rejection(worker.fit(broken, train, { ...options(), detectAnomaly: true }).finish());
    const trainer = worker.trainer(broken, {
      inputShape: train.shape,
      optimizer: new SGD(),
      detectAnomaly: true,
    });
    const { images, labels } = train.subset(0, 10);
    const stepped = await rejection(trainer.step(images, labels));
    const expected = { name: 'NumericError', origin: 'forward', layer: 'conv2d conv' };
    expect([fitted, stepped]).toMatchObject([expected, expected]);
    expect((fitted as Error).message).toContain('[fit] epoch 1, batch 1 of 5');
    expect((stepped as Error).message).toContain('the step was not taken');
  });

  it('keeps the weights of the last step when the loss diverges', async () => {
    const [a, b] = [new Net(), new Net()];
    const set = () => ({ ...options(), optimizer: new SGD({ lr: 1e19 }) });
    await expect(worker.fit(a, train, set()).finish()).rejects.toThrow(NumericError);
    await expect(fit(b, train, { ...set(), backend: await backend() }).finish()).rejects.toThrow(
      NumericError,
    );
    expect(weightsOf(a)).toEqual(weightsOf(b));
  });

  it.each(['onBatch', 'onEpoch'])('ends with what %s throws', async (callback) => {
    const error = new RangeError('mine');
    const thrower = () => {
      throw error;
    };
    const run = worker.fit(new Net(), train, { ...options(), epochs: 1_000_000, [callback]: thrower });
    await expect(run.finish()).rejects.toBe(error);
    expect(run.aborted).toBe(false);
  });

  it('is terminated in the middle of a step: what waits is rejected, and so is what comes after', async () => {
    const doomed = await start();
    const model = new Net();
    const trainer = doomed.trainer(model, { inputShape: train.shape, optimizer: new SGD() });
    const few = train.subset(0, 100);
    await trainer.step(few.images, few.labels);
    const waiting = [
      doomed.fit(model, train, { ...options(), epochs: 1_000_000 }).finish(),
      trainer.step(few.images, few.labels),
      doomed.predict(model, validation),
    ];
    doomed.terminate();
    for (const outcome of await Promise.allSettled(waiting)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(WorkerError) as Error });
    }
    await expect(doomed.evaluate(model, train)).rejects.toThrow(
      '[TrainingWorker] evaluate: the worker was terminated',
    );
    expect((await evaluate(model, validation)).size).toBe(90);
  });

  it('closes after what runs, a whole training included', async () => {
    const closing = await start();
    const run = closing.fit(new Net(), train, options());
    const finished = run.finish();
    const closed = closing.close();
    await expect(closing.predict(new Net(), validation)).rejects.toThrow(WorkerError);
    expect((await finished).epochs.length).toBe(3);
    await closed;
    await expect(closing.evaluate(new Net(), validation)).rejects.toThrow('the worker was closed');
  });
});

function labels(count: number, value = 0): Uint8Array {
  return new Uint8Array(count).fill(value);
}
