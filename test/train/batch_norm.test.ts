import { describe, expect, it } from 'vitest';
import {
  BatchNorm1d,
  BatchNorm2d,
  Conv2d,
  Flatten,
  fromBytes,
  Linear,
  MaxPool2d,
  Module,
  Predictor,
  ReLU,
  Sequential,
  SGD,
  ShapeError,
  type StateDict,
  type SymbolicTensor,
  toBytes,
  Trainer,
} from '../../src/index.node.js';
import { parseSafetensors } from '../../src/io/safetensors.js';
import { expectWithin } from '../reference/closeness.js';
import { goldenLayers } from '../reference/golden.js';

const { index, tensors } = goldenLayers();

/** The network of make-golden.py. */
class Normalised extends Module {
  conv1 = new Conv2d(1, 6, 3, { padding: 1 });
  bn1 = new BatchNorm2d(6);
  conv2 = new Conv2d(6, 10, 3, { padding: 1, bias: false });
  bn2 = new BatchNorm2d(10, { momentum: null });
  fc = new Linear(10 * 4 * 4, 4);
  bn3 = new BatchNorm1d(4, { affine: false });

  forward(x: SymbolicTensor): SymbolicTensor {
    const relu = new ReLU();
    const first = new MaxPool2d(2).forward(relu.forward(this.bn1.forward(this.conv1.forward(x))));
    const second = relu.forward(this.bn2.forward(this.conv2.forward(first)));
    return this.bn3.forward(this.fc.forward(second.flatten()));
  }
}

function state(which: 'first' | 'last'): StateDict {
  const prefix = `training/${which}/`;
  const own = [...tensors].filter(([name]) => name.startsWith(prefix));
  return new Map(own.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
}

const [steps, batch] = tensors.get('training/images')!.shape as [number, number];
const images = (step: number) =>
  tensors.get('training/images')!.data.subarray(step * batch * 64, (step + 1) * batch * 64);
const labels = (step: number) =>
  tensors.get('training/labels')!.data.subarray(step * batch, (step + 1) * batch);

function trained(fusion = true): { model: Normalised; losses: number[] } {
  const model = new Normalised();
  model.loadStateDict(state('first'));
  const optimizer = new SGD({ lr: 0.05, momentum: 0.9 });
  const trainer = new Trainer(model, { inputShape: [1, 8, 8], optimizer, batchSize: batch, fusion });
  const losses = Array.from(
    { length: steps },
    (_, step) => trainer.stepSync(images(step), labels(step)).loss,
  );
  return { model, losses };
}

const scores = (model: Module, fusion = true) =>
  new Predictor(model, { inputShape: [1, 8, 8], fusion }).runSync(images(0));

describe('a network with a normalisation after each layer', () => {
  it("trains to PyTorch's losses, weights and running statistics", () => {
    const { model, losses } = trained();
    expectWithin(losses, index.training.losses, 3e-5, 'losses');
    const ours = model.stateDict();
    const theirs = state('last');
    expect([...ours.keys()].sort()).toEqual([...theirs.keys()].sort());
    for (const [key, { shape, data }] of ours) {
      expect(shape, key).toEqual(theirs.get(key)!.shape);
      expectWithin(data, theirs.get(key)!.data, 1e-4, key);
    }
    expect(ours.get('bn1.num_batches_tracked')!.data).toEqual(Float32Array.of(steps));
  });

  it('has the same losses, weights and running statistics unfused, within rounding', () => {
    const [fused, unfused] = [trained(true), trained(false)];
    expectWithin(fused.losses, unfused.losses, 1e-5, 'losses');
    const theirs = unfused.model.stateDict();
    for (const [key, { data }] of fused.model.stateDict())
      expectWithin(data, theirs.get(key)!.data, 1e-4, key);
  });

  it("is applied to PyTorch's scores with the running statistics, folded into its layers or not", () => {
    const model = new Normalised();
    model.loadStateDict(state('last'));
    const theirs = tensors.get('training/scores')!.data;
    for (const fusion of [true, false]) expectWithin(scores(model, fusion), theirs, 2e-5, `fusion ${fusion}`);
  });

  it('keeps a predictor up to date while it trains', () => {
    const { model } = trained();
    const predictor = new Predictor(model, { inputShape: [1, 8, 8] });
    const before = predictor.runSync(images(0));
    const optimizer = new SGD({ lr: 0 });
    new Trainer(model, { inputShape: [1, 8, 8], optimizer, batchSize: batch }).stepSync(images(1), labels(1));
    const after = predictor.runSync(images(0));
    expect(after).not.toEqual(before);
    expect(after).toEqual(scores(model));
  });

  it('is the same after a save and a load, its counters as 64-bit integers', () => {
    const { model } = trained();
    const bytes = toBytes(model);
    const stored = parseSafetensors(bytes).tensors.get('bn2.num_batches_tracked')!;
    expect(stored).toEqual({ dtype: 'I64', shape: [], data: BigInt64Array.of(BigInt(steps)) });
    const loaded = new Normalised();
    fromBytes(loaded, bytes);
    expect(scores(loaded)).toEqual(scores(model));
    expect(toBytes(loaded)).toEqual(bytes);
  });
});

describe('running statistics', () => {
  const features = Float32Array.from({ length: 6 * 2 }, (_, at) => (at * 7) % 5);
  const step = (model: Module, values = features) =>
    new Trainer(model, { inputShape: [2], optimizer: new SGD({ lr: 0.1 }) }).stepSync(
      values,
      Array.from({ length: values.length / 2 }, (_, n) => n % 2),
    );

  it('stay in eval mode, and follow again in train mode', () => {
    const norm = new BatchNorm1d(2);
    const model = new Sequential(norm, new Linear(2, 2));
    const read = () =>
      [norm.running_mean, norm.running_var, norm.num_batches_tracked].map((one) => one.read());
    const before = read();
    expect(model.eval().training).toBe(false);
    expect(norm.training).toBe(false);
    step(model);
    expect(read()).toEqual(before);
    step(model.train());
    expect(read()[2]).toEqual(Float32Array.of(1));
    expect(read()[0]).not.toEqual(before[0]);
  });

  it('stay where a loss is not finite', () => {
    const norm = new BatchNorm1d(2);
    const model = new Sequential(norm, new Linear(2, 2));
    expect(step(model, Float32Array.from(features).fill(Number.NaN, 3, 4)).loss).toBeNaN();
    expect(norm.running_mean.read()).toEqual(new Float32Array(2));
    expect(norm.running_var.read()).toEqual(new Float32Array(2).fill(1));
    expect(norm.num_batches_tracked.read()).toEqual(new Float32Array(1));
  });

  it('are no parameters, and stay when these are freed', () => {
    const model = new Sequential(new BatchNorm2d(3), new Flatten());
    expect([...model.namedParameters()].map(([path]) => path)).toEqual(['0.weight', '0.bias']);
    expect([...model.namedBuffers()].map(([path]) => path)).toEqual([
      '0.running_mean',
      '0.running_var',
      '0.num_batches_tracked',
    ]);
    model.requiresGrad(true);
    expect([...model.namedBuffers()].every(([, one]) => !one.requiresGrad)).toBe(true);
  });
});

describe('errors of batch normalisation', () => {
  it('name the sizes', () => {
    expect(() => new Sequential(new BatchNorm2d(3)).trace([4, 5, 5])).toThrow(
      new ShapeError('[batch_norm 0] expected 3 channels but got 4'),
    );
    expect(() => new Sequential(new BatchNorm2d(3)).trace([3])).toThrow(
      new ShapeError('[batch_norm 0] expected images of C x H x W but got 3'),
    );
    expect(() => new Sequential(new BatchNorm1d(3)).trace([3, 2, 2])).toThrow(
      new ShapeError('[batch_norm 0] expected 3 features an image but got 3x2x2'),
    );
  });

  it('refuse to learn from one value a channel, before anything is changed', () => {
    const model = new Sequential(new Linear(2, 2), new BatchNorm1d(2));
    const before = toBytes(model);
    const trainer = new Trainer(model, { inputShape: [2], optimizer: new SGD({ lr: 1 }) });
    expect(() => trainer.stepSync(Float32Array.of(1, 2), [0])).toThrow(
      new ShapeError('[Trainer.step] batch_norm 1 needs at least 2 images to learn from but got 1'),
    );
    expect(toBytes(model)).toEqual(before);
  });
});
