import { describe, expect, it } from 'vitest';
import {
  DataLoader,
  ImageDataset,
  type ImageForm,
  type Pixels,
  RandomCrop,
  type Transform,
} from '../../src/data/index.node.js';
import { describeTransform } from '../../src/data/transform.js';
import {
  Adam,
  AdamW,
  CosineAnnealingLR,
  type FitOptions,
  FormatError,
  fit,
  Linear,
  type Module,
  NumericError,
  OneCycleLR,
  type Optimizer,
  OptionError,
  ReduceLROnPlateau,
  ReLU,
  RMSprop,
  Sequential,
  SGD,
  ShapeError,
  toBytes,
  Trainer,
} from '../../src/index.node.js';
import { TRANSFORMS } from '../../src/worker/registry.js';
import { bars, classifier } from '../support.js';

const train = bars(110);
const validation = bars(40, { seed: 2 });
const BATCHES = 4;

const network = (seed = 1) => classifier(seed, { stateful: true });

const OPTIMIZERS: readonly (() => Optimizer)[] = [
  () => new SGD({ lr: 0.05, momentum: 0.9, nesterov: true }),
  () => new AdamW({ lr: 0.01, amsgrad: true, groups: [{ parameters: /bias$/, weightDecay: 0, lr: 0.003 }] }),
  () => new RMSprop({ lr: 0.003, momentum: 0.5, centered: true }),
];

describe('a trainer', () => {
  const shape = train.shape;
  const size = shape[0] * shape[1] * shape[2];
  const batch = (step: number) => ({
    images: (train.images as Uint8Array).subarray(step * 10 * size, (step + 1) * 10 * size),
    labels: train.labels.subarray(step * 10, (step + 1) * 10),
  });
  const trainerOf = (model: Module, optimizer: Optimizer) =>
    new Trainer(model, { inputShape: shape, optimizer, averaging: { decay: 0.9 }, clipGradNorm: 0.5 });
  const steps = (trainer: Trainer, from: number, to: number) => {
    for (let step = from; step < to; step++) trainer.stepSync(batch(step).images, batch(step).labels);
  };

  it.each(OPTIMIZERS)('goes on from its checkpoint to the same bits: %o', (optimizer) => {
    const [through, first, second] = [network(), network(), network(7)];
    const whole = trainerOf(through, optimizer());
    const before = trainerOf(first, optimizer());
    steps(whole, 0, 8);
    steps(before, 0, 3);
    const after = trainerOf(second, optimizer());
    // What it did before is forgotten.
    steps(after, 5, 6);
    const bytes = before.checkpoint();
    after.restore(bytes);
    expect(after.checkpoint()).toEqual(bytes);
    expect(after.steps).toBe(3);
    steps(after, 3, 8);
    expect(toBytes(second)).toEqual(toBytes(through));
    expect(after.averagedState()).toEqual(whole.averagedState());
    const fresh = trainerOf(network(9), optimizer());
    fresh.restore(bytes);
    expect(fresh.checkpoint()).toEqual(bytes);
    steps(fresh, 3, 8);
    expect(fresh.checkpoint()).toEqual(whole.checkpoint());
  });

  it('goes back to before its first step', () => {
    const model = network();
    const trainer = trainerOf(model, new Adam());
    const start = trainer.checkpoint();
    steps(trainer, 0, 4);
    const trained = toBytes(model);
    trainer.restore(start);
    steps(trainer, 0, 4);
    expect(toBytes(model)).toEqual(trained);
  });

  it('refuses what does not fit before anything is changed', () => {
    const before = trainerOf(network(), new Adam());
    steps(before, 0, 2);
    const bytes = before.checkpoint();
    const model = network(3);
    const untouched = toBytes(model);
    expect(() => trainerOf(model, new SGD()).restore(bytes)).toThrow(
      '[Trainer.restore] the optimizer is SGD with 0 groups but was Adam with 0 where the checkpoint was made',
    );
    expect(() => trainerOf(model, new Adam({ amsgrad: true })).restore(bytes)).toThrow(
      '[Trainer.restore] the checkpoint has no max_exp_avg_sq.0.weight',
    );
    const plain = new Trainer(model, { inputShape: shape, optimizer: new Adam() });
    expect(() => plain.restore(bytes)).toThrow('the checkpoint has average.0.weight, which is not kept here');
    expect(() => plain.restore(toBytes(network()))).toThrow(FormatError);
    expect(() => plain.restore(bytes.subarray(0, 200))).toThrow(FormatError);
    const other = new Sequential(...[...network().children().values()], new ReLU(), new Linear(4, 4));
    expect(() => trainerOf(other, new Adam()).restore(bytes)).toThrow(OptionError);
    const wide = new Sequential(...[...network().children().values()].slice(0, 6), new Linear(96, 5));
    expect(() => trainerOf(wide, new Adam()).restore(bytes)).toThrow(ShapeError);
    expect(toBytes(model)).toEqual(untouched);
  });

  it('gives none that holds what is not finite', () => {
    const model = network();
    const trainer = trainerOf(model, new SGD());
    const [bias] = model.parameters().slice(-1);
    bias!.write(Float32Array.of(0, Number.POSITIVE_INFINITY, 0, 0));
    expect(() => trainer.checkpoint()).toThrow(NumericError);
    expect(() => trainer.checkpoint()).toThrow('[checkpoint] model.6.bias holds Infinity');
  });
});

describe('fit', () => {
  const everything = (optimizer: Optimizer): FitOptions => ({
    optimizer,
    epochs: 5,
    batchSize: 30,
    shuffle: true,
    seed: 3,
    validation,
    averaging: { decay: 0.8 },
    clipGradNorm: 1,
    earlyStopping: { patience: 4, monitor: 'accuracy' },
  });
  const untimed = (epochs: readonly object[]) =>
    epochs.map((epoch) => ({ ...epoch, seconds: 0, evalSeconds: 0 }));

  it.each<[string, number, () => Partial<FitOptions>]>([
    ['cosine', 0, () => ({ schedule: new CosineAnnealingLR() })],
    ['one cycle', 1, () => ({ schedule: new OneCycleLR({ maxLr: 0.05 }) })],
    ['plateau', 2, () => ({ schedule: new ReduceLROnPlateau({ patience: 0, factor: 0.5 }) })],
    ['none', 1, () => ({})],
  ])(
    'resumes from any of its checkpoints to the bits of a run that was never stopped: %s',
    async (_, which, more) => {
      const optimizer = OPTIMIZERS[which]!;
      const checkpoints: Uint8Array[] = [];
      const model = network();
      const to = (bytes: Uint8Array) => void checkpoints.push(bytes);
      const options = () => ({ ...everything(optimizer()), ...more() });
      const history = await fit(model, train, { ...options(), checkpoint: { to, every: 3 } }).finish();
      const steps = history.epochs.length * BATCHES;
      expect(checkpoints.length).toBe(Math.floor(steps / 3) + (steps % 3 === 0 ? 0 : 1));
      for (const at of [0, 1, 3, checkpoints.length - 1]) {
        const other = network(5);
        const again: Uint8Array[] = [];
        const checkpoint = { to: (bytes: Uint8Array) => void again.push(bytes), every: 3 };
        const resumed = fit(other, train, { ...options(), checkpoint, resume: checkpoints[at]! });
        const seen: number[] = [];
        for await (const { epoch } of resumed) seen.push(epoch);
        expect(toBytes(other), `${at}`).toEqual(toBytes(model));
        expect(untimed(resumed.history.epochs)).toEqual(untimed(history.epochs));
        expect(resumed.history.best).toEqual(history.best);
        expect(again.length).toBe(checkpoints.length - 1 - at);
        expect(seen[0]).toBe(
          at === checkpoints.length - 1 ? undefined : Math.floor((3 * (at + 1)) / BATCHES) + 1,
        );
      }
    },
  );

  it('keeps one where it is aborted, from which it goes on', async () => {
    const through = network();
    const options = () => ({ ...everything(new Adam()), schedule: new OneCycleLR({ maxLr: 0.01 }) });
    await fit(through, train, options()).finish();
    const controller = new AbortController();
    const model = network();
    let kept: Uint8Array | undefined;
    let batches = 0;
    await fit(model, train, {
      ...options(),
      signal: controller.signal,
      checkpoint: { to: (bytes) => void (kept = bytes), every: 100 },
      onBatch: () => ++batches === 6 && controller.abort(),
    }).finish();
    const other = network(2);
    await fit(other, train, { ...options(), resume: kept! }).finish();
    expect(toBytes(other)).toEqual(toBytes(through));
  });

  it("continues a DataLoader's epochs and its own learning rate", async () => {
    const loader = () => {
      const made = new DataLoader(train, { batchSize: 30, shuffle: true, seed: 1, dropLast: true });
      made.epoch = 7;
      return made;
    };
    const onBatch = (optimizer: Optimizer) => () => void (optimizer.lr *= 0.9);
    const run = async (model: Module, more: Partial<FitOptions>) => {
      const optimizer = new SGD({ lr: 0.1, momentum: 0.9 });
      const source = loader();
      await fit(model, source, { optimizer, epochs: 3, onBatch: onBatch(optimizer), ...more }).finish();
      expect(source.epoch).toBe(10);
    };
    const checkpoints: Uint8Array[] = [];
    const [through, other] = [network(), network(5)];
    await run(through, { checkpoint: { to: (bytes) => void checkpoints.push(bytes), every: 2 } });
    await run(other, { resume: checkpoints[1]! });
    expect(toBytes(other)).toEqual(toBytes(through));
  });

  it('leaves the last good one where it diverges', async () => {
    const images = Float32Array.from(train.images as Uint8Array, (value) => value / 255);
    images[64 * 100] = Number.NaN;
    const broken = new ImageDataset({ images, labels: train.labels, shape: train.shape });
    const kept: Uint8Array[] = [];
    const model = network();
    const run = fit(model, broken, {
      optimizer: new SGD({ lr: 0.1 }),
      batchSize: 30,
      checkpoint: { to: (bytes) => void kept.push(bytes), every: 1 },
    });
    await expect(run.finish()).rejects.toThrow('the loss became NaN in epoch 1, batch 4 of 4');
    expect(kept.length).toBe(3);
    const other = network(4);
    const resumed = fit(other, broken, { optimizer: new SGD({ lr: 0.1 }), batchSize: 30, resume: kept[2]! });
    await expect(resumed.finish()).rejects.toThrow('epoch 1, batch 4 of 4');
    expect(toBytes(other)).toEqual(toBytes(model));
  });

  it('refuses to resume what would go on otherwise', async () => {
    let kept: Uint8Array | undefined;
    const options = { optimizer: new SGD(), epochs: 1, batchSize: 30 };
    await fit(network(), train, { ...options, checkpoint: { to: (bytes) => void (kept = bytes) } }).finish();
    const model = network(2);
    const before = toBytes(model);
    const resume = kept!;
    await expect(fit(model, train, { ...options, batchSize: 20, resume }).finish()).rejects.toThrow(
      '[fit] the checkpoint was made with batchSize 30 but now it is 20: the batches would be others',
    );
    await expect(fit(model, bars(100), { ...options, resume }).finish()).rejects.toThrow('images 110');
    const trainer = new Trainer(model, { inputShape: train.shape, optimizer: new SGD() });
    await expect(fit(model, train, { ...options, resume: trainer.checkpoint() }).finish()).rejects.toThrow(
      'the checkpoint was not made by fit: use Trainer.restore',
    );
    expect(() => fit(model, train, { ...options, checkpoint: { to: 3 as never } })).toThrow(OptionError);
    expect(() => fit(model, train, { ...options, checkpoint: { to: 'x', every: 0 } })).toThrow(OptionError);
    expect(toBytes(model)).toEqual(before);
  });

  it('refuses to resume with other transforms, and names both', async () => {
    class Inverted implements Transform {
      readonly random = false;
      constructor(readonly top: number) {}
      output = (input: ImageForm) => input;
      apply(source: Pixels, target: Pixels): void {
        for (let at = 0; at < source.length; at++) target[at] = this.top - source[at]!;
      }
    }
    const kept: Uint8Array[] = [];
    const checkpoint = { to: (bytes: Uint8Array) => void kept.push(bytes) };
    const run = (transforms: Transform[], more: Partial<FitOptions>) =>
      fit(network(), train, { optimizer: new SGD(), batchSize: 30, transforms, ...more }).finish();
    await run([new RandomCrop({ padding: 2 }), new Inverted(255)], { checkpoint });
    const [resume] = kept;
    const made = 'RandomCrop(padding: [2, 2], fill: 0), Inverted(top: 255, random: false)';
    await expect(run([new RandomCrop({ padding: 1 }), new Inverted(255)], { resume })).rejects.toThrow(
      new OptionError(
        `[fit] the checkpoint was made with transforms ${made} but now it is ` +
          'RandomCrop(padding: [1, 1], fill: 0), Inverted(top: 255, random: false): the batches would be others',
      ),
    );
    await expect(run([], { resume })).rejects.toThrow(`${made} but now it is none: the batches`);
    await run([new RandomCrop({ padding: 2 }), new Inverted(255)], { resume });
  });

  it('calls the transforms what they are called', () => {
    const options = {
      Normalize: { mean: 0.5, std: 0.5 },
      RandomAffine: { degrees: 3 },
      RandomRotation: { degrees: 3 },
    };
    for (const [name, Class] of Object.entries(TRANSFORMS) as [
      string,
      new (options: object) => Transform,
    ][]) {
      const text = describeTransform(new Class(options[name as keyof typeof options] ?? {}));
      expect(text.slice(0, text.indexOf('('))).toBe(name);
    }
  });
});
