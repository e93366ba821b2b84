import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DataLoader, ImageDataset, Normalize, RandomCrop, RandomErasing } from '../src/data/index.node.js';
import {
  BCEWithLogitsLoss,
  CrossEntropyLoss,
  Dropout,
  evaluate,
  fit,
  Flatten,
  Linear,
  loadBackend,
  manualSeed,
  type Module,
  Predictor,
  predict,
  Sequential,
  SGD,
  Trainer,
} from '../src/index.node.js';
import { TrainingWorker } from '../src/worker/index.node.js';
import { bars, weightsOf } from './support.js';
import { Net, options } from './worker-model.js';

const train = bars(230);
const validation = bars(90, { seed: 2 });

/** Collects the records and the weights at each. */
async function followed(run: AsyncIterable<object>, model: Module) {
  const seen = [];
  for await (const { seconds: _, evalSeconds: __, ...record } of run as AsyncIterable<
    Record<string, unknown>
  >) {
    seen.push({ record, weights: weightsOf(model) });
  }
  return seen;
}

describe.each(['native', 'wasm'] as const)('a worker that computes with %s', (name) => {
  let worker: TrainingWorker;
  const backend = () => loadBackend({ backend: name, threads: name === 'native' ? 2 : undefined });
  const start = () => TrainingWorker.start({ backend: name, threads: name === 'native' ? 2 : undefined });
  beforeAll(async () => {
    worker = await start();
  });
  afterAll(() => worker.terminate());

  it('says what it computes with', async () => {
    expect(worker.info()).toEqual((await backend()).info());
  });

  it('trains to the bits of fit on this thread, with its records', async () => {
    const more = { validation, shuffle: true, seed: 7, loss: new CrossEntropyLoss({ reduction: 'sum' }) };
    const set = () => ({ ...options(), optimizer: new SGD({ lr: 0.001, momentum: 0.9 }), ...more });
    const [a, b] = [new Net(), new Net()];
    const here = await followed(fit(a, train, { ...set(), backend: await backend() }), a);
    expect(await followed(worker.fit(b, train, set()), b)).toEqual(here);
    expect(here.length).toBe(3);
  });

  it('trains with dropout and a loss of values to the bits of fit on this thread, and evaluates with it', async () => {
    const targets = Float32Array.from({ length: train.length * 3 }, (_, at) => Math.sin(at));
    const { images, labels, shape } = train;
    const loss = new BCEWithLogitsLoss({ posWeight: [1, 2, 3] });
    const make = () => {
      manualSeed(1);
      return new Sequential(new Flatten(), new Dropout(0.3), new Linear(64, 3));
    };
    for (const shared of [false, true]) {
      const pixels = shared ? new Uint8Array(new SharedArrayBuffer(images.length)) : images;
      pixels.set(images);
      const data = new ImageDataset({
        images: pixels,
        ...(shared && { labels }),
        shape,
        targets,
        targetShape: [3],
      });
      const set = () => ({
        optimizer: new SGD({ lr: 0.1 }),
        epochs: 2,
        shuffle: true,
        seed: 3,
        loss,
        validation: data,
      });
      const [a, b] = [make(), make()];
      const here = await followed(fit(a, data, { ...set(), backend: await backend() }), a);
      expect(await followed(worker.fit(b, data, set()), b)).toEqual(here);
      expect(await worker.evaluate(b, data, { loss })).toEqual(
        await evaluate(a, data, { loss, backend: await backend() }),
      );
      const options = { inputShape: shape, optimizer: new SGD({ lr: 0.1 }), loss, seed: 4, batchSize: 230 };
      const trainer = worker.trainer(b, options);
      const step = await trainer.step(images, targets);
      const own = new Trainer(a, { ...options, backend: await backend() });
      expect(step).toEqual(own.stepSync(images, targets));
      await trainer.sync();
      expect(weightsOf(b)).toEqual(weightsOf(a));
    }
  });

  it('tells every batch, in order and before the epoch that it belongs to', async () => {
    const tell = async (train_: typeof fit | typeof worker.fit, more: object) => {
      const events: string[] = [];
      const run = train_(new Net(), train, {
        ...options(),
        ...more,
        onBatch: (progress) => events.push(JSON.stringify(progress)),
        onEpoch: ({ epoch }) => void events.push(`epoch ${epoch}`),
      });
      const { epochs } = await run.finish();
      expect(epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
      expect(run.history.epochs).toEqual(epochs);
      return events;
    };
    const inWorker = await tell(worker.fit.bind(worker), {});
    expect(inWorker.length).toBe(3 * 6);
    expect(inWorker).toEqual(await tell(fit, { backend: await backend() }));
  });

  it('follows a learning rate and weights that are set between epochs', async () => {
    const trained = async (
      start_: (model: Module, set: ReturnType<typeof options>) => AsyncIterable<unknown>,
    ) => {
      const model = new Net();
      const set = options();
      const first = model.stateDict();
      let epoch = 0;
      for await (const _ of start_(model, set)) {
        set.optimizer.lr /= 2;
        if (++epoch === 2) model.loadStateDict(first);
      }
      return weightsOf(model);
    };
    const there = await trained((model, set) => worker.fit(model, train, set));
    const on = await backend();
    expect(there).toEqual(await trained((model, set) => fit(model, train, { ...set, backend: on })));
  });

  it('trains on with the learning rate that was set in a pause', async () => {
    const [there, here] = [new Net(), new Net()];
    const set = { ...options(), epochs: 1, optimizer: new SGD({ lr: 0 }) };
    const run = worker.fit(there, train, set);
    run.pause();
    const finished = run.finish();
    await expect.poll(() => run.history.epochs).toEqual([]);
    set.optimizer.lr = 0.1;
    run.resume();
    await finished;
    const whole = { ...set, optimizer: new SGD({ lr: 0.1 }), backend: await backend() };
    await fit(here, train, whole).finish();
    expect(weightsOf(there)).toEqual(weightsOf(here));
  });

  it('takes a DataLoader, and counts its epochs', async () => {
    const [a, b] = [1, 2].map(() => new DataLoader(train, { batchSize: 40, shuffle: true, dropLast: true }));
    const [there, here] = [new Net(), new Net()];
    const set = () => ({ optimizer: new SGD({ lr: 0.1 }), epochs: 2 });
    for (const _ of [1, 2]) {
      await worker.fit(there, a!, set()).finish();
      await fit(here, b!, { ...set(), backend: await backend() }).finish();
    }
    expect([a!.epoch, b!.epoch]).toEqual([4, 4]);
    expect(weightsOf(there)).toEqual(weightsOf(here));
  });

  it('draws augmentations as fit does here, and refuses those whose code cannot travel', async () => {
    const [a, b] = [new Net(), new Net()];
    const transforms = [
      new RandomCrop({ padding: 1 }),
      new RandomErasing(),
      new Normalize({ mean: 0.3, std: 0.3 }),
    ];
    const set = () => ({ ...options(), transforms, seed: 3 });
    await fit(a, train, { ...set(), backend: await backend() }).finish();
    await worker.fit(b, train, set()).finish();
    expect(weightsOf(b)).toEqual(weightsOf(a));
    class Own extends RandomErasing {}
    expect(() => worker.fit(a, train, { ...options(), transforms: [new Own()] })).toThrow(
      '[TrainingWorker] transform must be one that a worker knows (Normalize, RandomAffine, ',
    );
  });

  it('leaves frozen parameters alone, and parameters that forward does not use', async () => {
    class Spare extends Net {
      readonly spare = new Linear(2, 2);
    }
    const [a, b] = [new Spare(), new Spare()];
    b.loadStateDict(a.stateDict());
    for (const model of [a, b]) model.conv.requiresGrad(false);
    await worker.fit(a, train, options()).finish();
    await fit(b, train, { ...options(), backend: await backend() }).finish();
    expect(weightsOf(a)).toEqual(weightsOf(b));
  });

  it('steps as a Trainer does, and brings the weights here when asked', async () => {
    const [a, b] = [new Net(), new Net()];
    const set = { inputShape: train.shape, optimizer: new SGD({ lr: 0.1, momentum: 0.9 }), batchSize: 50 };
    const there = worker.trainer(a, set);
    const here = new Trainer(b, { ...set, backend: await backend() });
    const before = weightsOf(a);
    const batch = train.subset(0, 50);
    for (let step = 0; step < 3; step++) {
      const { images, labels } = batch;
      expect(await there.step(images, labels)).toEqual(await here.step(images, labels));
    }
    expect(there.steps).toBe(3);
    expect(weightsOf(a)).toEqual(before);
    await there.sync();
    expect(weightsOf(a)).toEqual(weightsOf(b));
    // Weights that are set on this side count, and so does a new learning rate.
    set.optimizer.lr = 0.05;
    for (const model of [a, b]) model.loadStateDict(new Net(9).stateDict());
    const floats = Float32Array.from(batch.images as Uint8Array, (value) => value / 255);
    expect(await there.step(floats, [...batch.labels])).toEqual(await here.step(floats, [...batch.labels]));
    there.dispose();
    await expect(there.step(batch.images, batch.labels)).rejects.toThrow('the trainer was disposed');
  });

  it('evaluates and predicts as on this thread', async () => {
    const model = new Net(3);
    const on = await backend();
    expect(await worker.evaluate(model, validation)).toEqual(
      await evaluate(model, validation, { backend: on }),
    );
    const expected = await predict(model, validation, { backend: on });
    expect(await worker.predict(model, validation, { batchSize: 7 })).toEqual(expected);
    const predictor = worker.predictor(model, { inputShape: validation.shape, batchSize: 20 });
    expect(await predictor.run(validation.images)).toEqual(expected.logits);
    model.loadStateDict(new Net(4).stateDict());
    expect(await predictor.run(validation.images)).toEqual(
      (await predict(model, validation, { backend: on })).logits,
    );
    const { predictions } = await predictor.evaluate(validation);
    expect(predictions).toEqual((await evaluate(model, validation, { backend: on })).predictions);
    predictor.dispose();
    await expect(predictor.evaluate(validation)).rejects.toThrow('the predictor was disposed');
    await expect(predictor.run(validation.images)).rejects.toThrow('the predictor was disposed');
  });

  it('predicts more than fits one message', async () => {
    const many = bars(70_001);
    const model = new Net();
    const { logits, classes, probabilities } = await worker.predict(model, many);
    const predictor = new Predictor(model, { inputShape: many.shape, backend: await backend() });
    expect(logits).toEqual(await predictor.run(many.images));
    expect([classes.length, probabilities.length]).toEqual([70_001, 4 * 70_001]);
  });

  it('ends within one batch of an abort, with weights that can be used', async () => {
    const controller = new AbortController();
    const model = new Net();
    let batches = 0;
    const run = worker.fit(model, train, {
      ...options(),
      epochs: 1_000_000,
      signal: controller.signal,
      onBatch: () => {
        batches++;
        controller.abort();
      },
    });
    const before = weightsOf(model);
    const history = await run.finish();
    expect(run.aborted).toBe(true);
    expect(history.epochs.length).toBe(Math.floor(batches / 5));
    expect(weightsOf(model)).not.toEqual(before);
    // They are those after exactly the batches that were told of.
    const twin = new Net();
    let seen = 0;
    const stop = new AbortController();
    await fit(twin, train, {
      ...options(),
      epochs: 1_000_000,
      backend: await backend(),
      signal: stop.signal,
      onBatch: () => ++seen === batches && stop.abort(),
    } as never).finish();
    expect(weightsOf(model)).toEqual(weightsOf(twin));
  });

  it('does nothing where the signal aborted before, and throws the reason out of evaluate', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    const model = new Net();
    const before = weightsOf(model);
    const run = worker.fit(model, train, { ...options(), signal });
    expect((await run.finish()).epochs).toEqual([]);
    expect(run.aborted).toBe(true);
    expect(weightsOf(model)).toEqual(before);
    await expect(worker.evaluate(model, validation, { signal })).rejects.toBe(signal.reason);
  });

  it('pauses between batches, trains on where it was, and brings the weights of the pause', async () => {
    const [there, here] = [new Net(), new Net()];
    let batches = 0;
    const run = worker.fit(there, train, { ...options(), onBatch: () => ++batches === 1 && run.pause() });
    const finished = run.finish();
    await expect.poll(() => run.paused).toBe(true);
    let before: Float32Array;
    do {
      before = weightsOf(there);
      await run.sync();
      await new Promise((resolve) => setTimeout(resolve, 20));
    } while (weightsOf(there).some((value, index) => value !== before[index]));
    // The pause may arrive after the epoch's last batch, but before the next epoch's first.
    expect(batches).toBeGreaterThanOrEqual(1);
    expect(batches).toBeLessThanOrEqual(5);
    run.resume();
    await finished;
    expect(batches).toBe(15);
    await fit(here, train, { ...options(), backend: await backend() }).finish();
    expect(weightsOf(there)).toEqual(weightsOf(here));
  });

  it('ends a paused training by an abort', async () => {
    const controller = new AbortController();
    const run = worker.fit(new Net(), train, { ...options(), signal: controller.signal });
    run.pause();
    const finished = run.finish();
    setTimeout(() => controller.abort(), 20);
    expect((await finished).epochs).toEqual([]);
    expect(run.aborted).toBe(true);
  });

  it('answers other questions while it trains', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const model = new Net();
    const run = worker.fit(model, train, { ...options(), epochs: 1_000_000, signal });
    const finished = run.finish();
    const other = new Net(3);
    const alone = await evaluate(other, validation, { backend: await backend() });
    for (const _ of [1, 2, 3]) expect(await worker.evaluate(other, validation)).toEqual(alone);
    controller.abort();
    await finished;
    expect(run.aborted).toBe(true);
  });
});
