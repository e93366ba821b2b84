import { describe, expect, it } from 'vitest';
import { DataLoader, ImageDataset } from '../../src/data/index.node.js';
import {
  BCEWithLogitsLoss,
  Conv2d,
  CrossEntropyLoss,
  evaluate,
  fit,
  Flatten,
  functional as F,
  Generator,
  LabelError,
  Linear,
  LogSoftmax,
  type Loss,
  type Module,
  MSELoss,
  NLLLoss,
  OptionError,
  Predictor,
  ReLU,
  Sequential,
  SGD,
  ShapeError,
  Sigmoid,
  Trainer,
} from '../../src/index.node.js';
import { expectWithin } from '../reference/closeness.js';
import { bars, weightsOf } from '../support.js';

const labelled = bars(60);
const weight = [0.5, 2, 1, 0.25];

const classifier = (seed = 3, ...more: Module[]) =>
  new Sequential(new Flatten(), new Linear(64, 4, { generator: new Generator(seed) }), ...more);
const trainer = (model: Module, loss: Loss, batchSize = 60) =>
  new Trainer(model, { inputShape: [1, 8, 8], optimizer: new SGD({ lr: 0.1 }), loss, batchSize });

/** Targets in 0..1 of `shape` for `count` images. */
function values(count: number, shape: readonly number[], seed = 9): Float32Array {
  const generator = new Generator(seed);
  return Float32Array.from({ length: shape.reduce((a, b) => a * b, count) }, () => generator.float());
}

describe('a loss over labels', () => {
  it('weighs a batch by its labels, on any number of threads and in any slices', () => {
    const labels = labelled.labels.map((label, n) => (n % 7 === 0 ? 200 : label));
    const loss = new CrossEntropyLoss({ weight, labelSmoothing: 0.1, ignoreIndex: 200 });
    const model = classifier();
    const scores = new Predictor(model, { inputShape: [1, 8, 8] }).runSync(labelled.images);
    const own = F.crossEntropy(F.tensor(scores, [60, 4]), labels, loss.options);
    const step = trainer(model, loss).stepSync(labelled.images, labels);
    expect(step.loss).toBe(own.loss);
    expect(step.correct).toBe(own.correct);
  });

  it('is the same as log-softmax with its negative', () => {
    const [a, b] = [classifier(), classifier(3, new LogSoftmax())];
    const steps = (model: Module, loss: Loss) => {
      const one = trainer(model, loss);
      return [1, 2, 3].map(() => one.stepSync(labelled.images, labelled.labels).loss);
    };
    expectWithin(
      steps(a, new CrossEntropyLoss({ weight })),
      steps(b, new NLLLoss({ weight })),
      1e-6,
      'losses',
    );
    expectWithin(weightsOf(a), weightsOf(b), 1e-6, 'weights');
  });

  it('learns nothing of images that are ignored', () => {
    const [some, all] = [classifier(), classifier()];
    const labels = Int32Array.from(labelled.labels);
    labels.fill(-100, 20);
    const { loss } = trainer(all, new CrossEntropyLoss()).stepSync(labelled.images, labels);
    const part = labelled.take(20);
    expectWithin(
      [loss],
      [trainer(some, new CrossEntropyLoss()).stepSync(part.images, part.labels).loss],
      1e-6,
      'loss',
    );
    expectWithin(weightsOf(all), weightsOf(some), 1e-6, 'weights');
  });

  it('counts those that it does not ignore, in a step and in the accuracy of an epoch', async () => {
    const labels = labelled.labels.map((label, n) => (n % 3 === 0 ? label : 9));
    const { images, shape } = labelled;
    const loss = new CrossEntropyLoss({ ignoreIndex: 9 });
    const model = classifier();
    const step = trainer(model, loss).stepSync(images, labels);
    expect([step.size, step.counted]).toEqual([60, 20]);
    const data = new ImageDataset({ images, labels, shape });
    const options = { loss, optimizer: new SGD({ lr: 0 }), batchSize: 16, validation: data };
    const { epochs } = await fit(model, data, options).finish();
    // Nothing is learnt: while it was trained, and afterwards, as many were right.
    expect(epochs[0]!.trainAccuracy).toBe(epochs[0]!.accuracy);
    expect(epochs[0]!.trainAccuracy).toBe((await evaluate(model, data, { loss })).correct / 20);
    const regression = trainer(classifier(), new MSELoss()).stepSync(images, values(60, [4]));
    expect(regression.counted).toBe(60);
  });

  it('changes nothing where no image counts', () => {
    const model = classifier();
    const before = weightsOf(model);
    const one = trainer(model, new CrossEntropyLoss());
    expect(one.stepSync(labelled.images, new Int32Array(60).fill(-100)).loss).toBeNaN();
    expect(weightsOf(model)).toEqual(before);
    expect(one.steps).toBe(0);
  });

  it('refuses other labels, weights of another number, and values out of range', () => {
    const one = trainer(classifier(), new CrossEntropyLoss({ ignoreIndex: 9 }));
    expect(() => one.stepSync(labelled.images, new Int32Array(60).fill(-100))).toThrow(
      new LabelError('[Trainer.step] label 0 is -100 but the model has classes 0 to 3'),
    );
    expect(() => trainer(classifier(), new NLLLoss({ weight: [1, 2] }))).toThrow(
      new ShapeError('[nll_loss] got 2 weights but the model gives 4 scores'),
    );
    expect(() => new CrossEntropyLoss({ labelSmoothing: 1.1 })).toThrow(
      new OptionError('[CrossEntropyLoss] labelSmoothing must be a finite number from 0 to 1 but is 1.1'),
    );
    expect(() => new CrossEntropyLoss({ weight: [1, -1] })).toThrow(
      new OptionError('[CrossEntropyLoss] weight[1] must be a finite number of at least 0 but is -1'),
    );
  });
});

describe('a loss over values', () => {
  const shape = [2, 8, 8] as const;
  const images = () =>
    new Sequential(
      new Conv2d(1, 5, 3, { padding: 1, generator: new Generator(1) }),
      new ReLU(),
      new Conv2d(5, 2, 3, { padding: 1, generator: new Generator(2) }),
    );

  it.each([
    ['MSELoss', new MSELoss()],
    ['BCEWithLogitsLoss', new BCEWithLogitsLoss({ posWeight: [0.5, 2] })],
    ['a sum', new MSELoss({ reduction: 'sum' })],
  ])('takes targets of images, in NCHW: %s', (_, loss) => {
    const model = images();
    const targets = values(60, shape);
    const outputs = new Predictor(model, { inputShape: [1, 8, 8] }).runSync(labelled.images);
    const { sum, total } = loss.op.measure(outputs, targets, shape);
    const step = trainer(model, loss).stepSync(labelled.images, targets);
    const expected = loss.reduction === 'sum' ? sum * 2 * 64 : sum / total;
    expect(Math.abs(step.loss - expected)).toBeLessThan(1e-5 * expected);
    expect(step.correct).toBeNaN();
  });

  it('has the gradients that finite differences give', () => {
    for (const loss of [new MSELoss(), new BCEWithLogitsLoss({ posWeight: 2 })]) {
      const targets = values(60, shape);
      const model = images();
      const before = weightsOf(model);
      trainer(model, loss).stepSync(labelled.images, targets);
      const gradient = weightsOf(model).map((after, at) => (before[at]! - after) / 0.1);
      const square = gradient.reduce((sum, one) => sum + one * one, 0);
      const lossAt = (distance: number) => {
        const moved = images();
        let at = 0;
        for (const parameter of moved.parameters()) {
          parameter.write(parameter.read().map((value) => value + distance * gradient[at++]!));
        }
        return trainer(moved, loss).stepSync(labelled.images, targets).loss;
      };
      const h = 1e-3 / Math.sqrt(square);
      expect(Math.abs((lossAt(h) - lossAt(-h)) / (2 * h) - square)).toBeLessThan(0.02 * square);
    }
  });

  it('trains an autoencoder and a regression from data sets that hold targets', async () => {
    const pixels = Float32Array.from(labelled.images, (byte) => byte / 255);
    const copy = new ImageDataset({
      images: labelled.images,
      targets: pixels,
      targetShape: [1, 8, 8],
      shape: [1, 8, 8],
    });
    const autoencoder = new Sequential(new Conv2d(1, 6, 3, { padding: 1 }), new ReLU(), new Conv2d(6, 1, 1));
    const run = fit(autoencoder, copy, {
      optimizer: new SGD({ lr: 0.1 }),
      loss: new MSELoss(),
      epochs: 5,
      batchSize: 20,
      validation: copy,
    });
    const { epochs } = await run.finish();
    expect(epochs[4]!.loss).toBeLessThan(epochs[0]!.loss / 2);
    expect(epochs[4]!.accuracy).toBeNaN();
    const { loss, ...rest } = await evaluate(autoencoder, copy, { loss: new MSELoss() });
    expect(loss).toBe(epochs[4]!.validationLoss);
    expect(rest).toEqual({
      accuracy: Number.NaN,
      correct: Number.NaN,
      size: 60,
      predictions: new Int32Array(0),
      probabilities: new Float32Array(0),
    });
  });

  it('takes several answers an image', async () => {
    const answers = Float32Array.from({ length: 60 * 3 }, (_, at) => {
      const label = labelled.labels[Math.floor(at / 3)]!;
      return [label > 1, label % 2 === 1, label === 3][at % 3] ? 1 : 0;
    });
    const data = new ImageDataset({ ...pick(labelled), targets: answers, targetShape: [3] });
    const model = new Sequential(new Flatten(), new Linear(64, 3));
    const options = { optimizer: new SGD({ lr: 0.5 }), loss: new BCEWithLogitsLoss(), epochs: 40 };
    await fit(model, data, { ...options, batchSize: 20 }).finish();
    const scores = new Predictor(new Sequential(model, new Sigmoid()), { inputShape: [1, 8, 8] });
    const right = scores.runSync(data.images).filter((one, at) => Math.round(one) === answers[at]);
    expect(right.length).toBeGreaterThan(0.95 * answers.length);
    // The same data set serves a classifier.
    const classes = classifier();
    await fit(classes, data, { optimizer: new SGD({ lr: 0.5 }), epochs: 5 }).finish();
    expect((await evaluate(classes, data)).accuracy).toBeGreaterThan(0.9);
  });

  it('refuses targets of another number, and data sets without', async () => {
    const one = trainer(images(), new MSELoss());
    expect(() => one.stepSync(labelled.images, labelled.labels)).toThrow(
      new ShapeError(
        "[Trainer.step] expected targets of the output's shape, 60 times 2x8x8 (7680 values), but got 60",
      ),
    );
    const options = { optimizer: new SGD({ lr: 0.1 }), loss: new MSELoss() };
    await expect(fit(images(), labelled, options).finish()).rejects.toThrow(
      new OptionError(
        '[fit] the loss compares with values but the data set has labels only: give it `targets`',
      ),
    );
    expect(() => trainer(images(), new BCEWithLogitsLoss({ posWeight: [1, 2, 3] }))).toThrow(
      new ShapeError(
        '[binary_cross_entropy_with_logits] got 3 weights but expected 1 or one for each of the 2 channels of 2x8x8',
      ),
    );
  });
});

describe('a data set with targets', () => {
  const data = new ImageDataset({ ...pick(labelled), targets: values(60, [3]), targetShape: [3] });

  it('gives them with their images, and parts of them with parts', () => {
    const [, batch] = new DataLoader(data.subset(10, 30), { batchSize: 8 });
    expect(batch!.targets).toEqual(data.targets!.slice(18 * 3, 26 * 3));
    expect(batch!.labels).toEqual(Int32Array.from(data.labels.slice(18, 26)));
    expect(data.get(7).target).toEqual(data.targets!.slice(21, 24));
    expect(labelled.get(7)).not.toHaveProperty('target');
  });

  it('refuses targets of another number or type', () => {
    expect(() => new ImageDataset({ ...pick(labelled), targets: values(59, [3]), targetShape: [3] })).toThrow(
      new ShapeError('[ImageDataset] 60 labels and targetShape 3 need 180 targets but there are 177'),
    );
    expect(() => new ImageDataset({ ...pick(labelled), targetShape: [3] })).toThrow(
      new OptionError('[ImageDataset] targets must be a Float32Array but is undefined'),
    );
  });
});

function pick({ images, labels, shape }: ImageDataset) {
  return { images, labels, shape };
}
