import { describe, expect, it } from 'vitest';
import { DataLoader, ImageDataset } from '../../src/data/index.node.js';
import {
  evaluate,
  fit,
  LabelError,
  NumericError,
  OptionError,
  Predictor,
  predict,
  type Sequential,
  SGD,
  ShapeError,
  Trainer,
} from '../../src/index.node.js';
import { bars, classifier, weightsOf } from '../support.js';

const train = bars(230);
const validation = bars(90, { seed: 2 });

const network = (seed = 1) => classifier(seed, { channels: 8 });

const options = () => ({ optimizer: new SGD({ lr: 0.1, momentum: 0.9 }), batchSize: 50, epochs: 4 });

describe('fit', () => {
  it('learns, and tells each epoch', async () => {
    const model = network();
    const epochs = [];
    for await (const epoch of fit(model, train, { ...options(), validation })) epochs.push(epoch);
    expect(epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4]);
    expect(epochs.at(-1)!.cost).toBeLessThan(epochs[0]!.cost / 4);
    expect(epochs.at(-1)!.accuracy).toBeGreaterThan(0.95);
    expect(epochs[0]!.seconds).toBeGreaterThan(0);
    expect((await evaluate(model, validation)).accuracy).toBe(epochs.at(-1)!.accuracy);
  });

  it('has a callback form, with the last, smaller batch included', async () => {
    const sizes: number[] = [];
    const seen: number[] = [];
    const run = fit(network(), train, {
      ...options(),
      epochs: 2,
      onBatch: ({ epoch, size }) => epoch === 1 && sizes.push(size),
      onEpoch: ({ epoch }) => void seen.push(epoch),
    });
    const history = await run.finish();
    expect(sizes).toEqual([50, 50, 50, 50, 30]);
    expect(seen).toEqual([1, 2]);
    expect(history.epochs.length).toBe(2);
    expect(history.info.threads).toBeGreaterThan(0);
  });

  it('gives the same weights for the same seed, and others for another', async () => {
    const trained = async (seed: number) => {
      const model = network();
      await fit(model, train, { ...options(), shuffle: true, seed }).finish();
      return weightsOf(model);
    };
    expect(await trained(1)).toEqual(await trained(1));
    expect(await trained(1)).not.toEqual(await trained(2));
  });

  it('ends within one batch of an abort, with the weights of the last step', async () => {
    const controller = new AbortController();
    const model = network();
    let batches = 0;
    const run = fit(model, train, {
      ...options(),
      signal: controller.signal,
      onBatch: () => {
        if (++batches === 7) controller.abort();
      },
    });
    const history = await run.finish();
    expect(run.aborted).toBe(true);
    expect(batches).toBe(7);
    expect(history.epochs.length).toBe(1);
    expect(weightsOf(model).every(Number.isFinite)).toBe(true);
    expect((await evaluate(model, validation)).size).toBe(90);
  });

  it('stops where the loss is not finite, naming epoch and batch, and keeps the weights of the batch before', async () => {
    const images = Float32Array.from(train.images as Uint8Array, (value) => value / 255);
    images[64 * 120] = Number.NaN;
    const broken = new ImageDataset({ images, labels: train.labels, shape: train.shape });
    const model = network();
    const snapshots: Float32Array[] = [];
    const run = fit(model, broken, { ...options(), onBatch: () => void snapshots.push(weightsOf(model)) });
    await expect(run.finish()).rejects.toThrow(/\[fit\] the loss became NaN in epoch 1, batch 3 of 5/);
    expect(snapshots.length).toBe(2);
    expect(weightsOf(model)).toEqual(snapshots[1]);
    await expect(fit(network(), broken, options()).finish()).rejects.toThrow(NumericError);
  });

  it('lets what a callback throws come out, and leaves the model usable', async () => {
    const model = network();
    const run = fit(model, train, {
      ...options(),
      onBatch: () => {
        throw new RangeError('enough');
      },
    });
    await expect(run.finish()).rejects.toThrow('enough');
    await fit(model, train, { ...options(), epochs: 1 }).finish();
  });

  it('pauses before the next batch, and trains on where it was', async () => {
    const [paused, through] = [network(), network()];
    let batches = 0;
    const run = fit(paused, train, { ...options(), onBatch: () => ++batches === 7 && run.pause() });
    const finished = run.finish();
    await expect.poll(() => run.paused).toBe(true);
    const halted = weightsOf(paused);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(batches).toBe(7);
    expect(weightsOf(paused)).toEqual(halted);
    run.resume();
    const { epochs } = await finished;
    expect(batches).toBe(20);
    await fit(through, train, options()).finish();
    expect(weightsOf(paused)).toEqual(weightsOf(through));
    expect(epochs.length).toBe(4);
  });

  it('ends a paused training by an abort', async () => {
    const controller = new AbortController();
    const run = fit(network(), train, { ...options(), signal: controller.signal });
    run.pause();
    const finished = run.finish();
    setTimeout(() => controller.abort(), 20);
    expect((await finished).epochs).toEqual([]);
    expect(run.aborted).toBe(true);
  });

  it('leaves the event loop free in the meantime, even where a step takes microseconds', async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 1);
    const endless = fit(network(), train, { ...options(), epochs: 1e9, signal: controller.signal });
    await endless.finish();
    expect(endless.aborted).toBe(true);
  });

  it('takes a DataLoader', async () => {
    const loader = new DataLoader(train, { batchSize: 100, dropLast: true });
    const history = await fit(network(), loader, { optimizer: new SGD({ lr: 0.1 }) }).finish();
    expect(history.epochs[0]!.loss).toBe(history.epochs[0]!.cost / 2);
    expect(() => fit(network(), loader, options())).toThrow('belong to the DataLoader');
  });

  it('refuses options that it does not know and a second iteration', async () => {
    const bad = { ...options(), epoch: 3 } as never;
    expect(() => fit(network(), train, bad)).toThrow("unknown option 'epoch', did you mean 'epochs'?");
    expect(() => fit(network(), train, { ...options(), epochs: -1 })).toThrow(OptionError);
    expect(() => fit(network(), train, { ...options(), batchSize: 2.5 })).toThrow(
      'batchSize must be a whole number',
    );
    const run = fit(network(), train, { ...options(), epochs: 1 });
    await run.finish();
    await expect(run.finish()).rejects.toThrow('a training runs once');
  });
});

describe('Trainer', () => {
  const inputShape = train.shape;
  const trainer = (model = network()) =>
    new Trainer(model, { inputShape, optimizer: new SGD({ lr: 0.1 }), batchSize: 8 });
  const batch = train.subset(0, 8);

  it('tells the loss and the number correct, the same for bytes and floats', async () => {
    const floats = Float32Array.from(batch.images as Uint8Array, (value) => value * Math.fround(1 / 255));
    const a = await trainer().step(batch.images, batch.labels);
    const b = trainer().stepSync(floats, [...batch.labels]);
    expect(a.size).toBe(8);
    expect(a.correct).toBe(b.correct);
    expect(Math.abs(a.loss - b.loss)).toBeLessThan(1e-6);
  });

  it('takes any batch up to its size', () => {
    const one = trainer();
    for (const size of [1, 3, 8]) {
      const part = train.subset(0, size);
      expect(one.stepSync(part.images, part.labels).size).toBe(size);
    }
    expect(one.steps).toBe(3);
  });

  it('refuses wrong input before anything is changed', async () => {
    const model = network();
    const one = trainer(model);
    const before = weightsOf(model);
    const wrong = new Int32Array(8).fill(4);
    await expect(one.step(batch.images, wrong)).rejects.toThrow(LabelError);
    await expect(one.step(batch.images, wrong)).rejects.toThrow(
      'label 0 is 4 but the model has classes 0 to 3',
    );
    await expect(one.step(batch.images, [0, 1])).rejects.toThrow('got 8 images but 2 labels');
    await expect(one.step(batch.images.subarray(1), batch.labels)).rejects.toThrow(ShapeError);
    await expect(one.step(train.images, train.labels)).rejects.toThrow(
      "got 230 images but the trainer's batchSize is 8",
    );
    await expect(one.step([1, 2] as never, batch.labels)).rejects.toThrow(OptionError);
    expect(weightsOf(model)).toEqual(before);
  });

  it('refuses a second step while one is running', async () => {
    const one = trainer();
    const running = one.step(batch.images, batch.labels);
    await expect(one.step(batch.images, batch.labels)).rejects.toThrow('a step is still running');
    await running;
    one.dispose();
    await expect(one.step(batch.images, batch.labels)).rejects.toThrow('the trainer was disposed');
  });

  it('leaves frozen parameters alone', () => {
    const model = network() as Sequential;
    model.modules[0]!.requiresGrad(false);
    const [frozen, , head] = model.parameters().map((parameter) => parameter.read());
    trainer(model).stepSync(batch.images, batch.labels);
    const [frozenAfter, , headAfter] = model.parameters().map((parameter) => parameter.read());
    expect(frozenAfter).toEqual(frozen);
    expect(headAfter).not.toEqual(head);
  });

  it('sees weights that were set between steps', () => {
    const model = network();
    const one = trainer(model);
    const state = model.stateDict();
    const { loss } = one.stepSync(batch.images, batch.labels);
    expect(one.stepSync(batch.images, batch.labels).loss).not.toBe(loss);
    model.loadStateDict(state);
    expect(one.stepSync(batch.images, batch.labels).loss).toBe(loss);
  });
});

describe('predict, evaluate, Predictor', () => {
  it('agree with one another, whatever the batch size', async () => {
    const model = network();
    const whole = await evaluate(model, validation);
    const cut = await evaluate(model, validation, { batchSize: 7 });
    expect(cut).toEqual(whole);
    const { classes, probabilities, logits } = await predict(model, validation);
    expect(classes).toEqual(whole.predictions);
    expect(probabilities).toEqual(whole.probabilities);
    const predictor = new Predictor(model, { inputShape: validation.shape, batchSize: 1 });
    expect(predictor.runSync(validation.images)).toEqual(logits);
    expect(await predictor.run(validation.images)).toEqual(logits);
    for (let row = 0; row < 90; row++) {
      const sum = probabilities.subarray(row * 4, row * 4 + 4).reduce((a, b) => a + b);
      expect(Math.abs(sum - 1)).toBeLessThan(1e-6);
    }
  });

  it('can be used while a training is under way', async () => {
    const model = network();
    const accuracies: number[] = [];
    for await (const _ of fit(model, train, options()))
      accuracies.push((await evaluate(model, validation)).accuracy);
    expect(accuracies.length).toBe(4);
    expect(accuracies.at(-1)).toBeGreaterThan(0.9);
  });
});
