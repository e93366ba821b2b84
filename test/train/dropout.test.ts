import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  Conv2d,
  Dropout,
  Dropout2d,
  Flatten,
  functional as F,
  Generator,
  Linear,
  loadBackend,
  manualSeed,
  MaxPool2d,
  type Module,
  OptionError,
  Predictor,
  ReLU,
  Sequential,
  SGD,
  ShapeError,
  toBytes,
  Trainer,
} from '../../src/index.node.js';
import { bars, weightsOf } from '../support.js';

const ones = (shape: readonly number[]) =>
  F.tensor(new Float32Array(shape.reduce((a, b) => a * b)).fill(1), shape);
const generator = (seed = 1) => new Generator(seed);

describe('dropout', () => {
  it.each([0.1, 0.5, 0.75])('keeps 1 - %f of the values, scaled up', (p) => {
    const { data } = F.dropout(ones([40, 16, 25, 5]), p, { generator: generator() });
    const kept = data.filter((value) => value !== 0);
    expect(new Set(kept)).toEqual(new Set([Math.fround(1 / (1 - p))]));
    const deviation = Math.sqrt((p * (1 - p)) / data.length);
    expect(Math.abs(kept.length / data.length - (1 - p))).toBeLessThan(4 * deviation);
  });

  it('draws values, places and images independently of one another', () => {
    const [N, size] = [64, 1000];
    const { data } = F.dropout(ones([N, size]), 0.5, { generator: generator(2) });
    const sign = (n: number, at: number) => (data[n * size + at]! > 0 ? 1 : -1);
    const correlation = (other: (n: number, at: number) => number) => {
      let sum = 0;
      for (let n = 0; n < N; n++) for (let at = 0; at < size; at++) sum += sign(n, at) * other(n, at);
      return Math.abs(sum) / Math.sqrt(N * size);
    };
    for (const lag of [1, 2, 3, 4, 8, 16, 100]) {
      expect(
        correlation((n, at) => sign(n, (at + lag) % size)),
        `places ${lag} apart`,
      ).toBeLessThan(4.5);
      expect(
        correlation((n, at) => sign((n + lag) % N, at)),
        `images ${lag} apart`,
      ).toBeLessThan(4.5);
    }
  });

  it('has the same bits everywhere, and others for another seed', () => {
    const draw = (seed: number) => F.dropout(ones([3, 17, 5, 3]), 0.3, { generator: generator(seed) }).data;
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    const hash = createHash('sha256').update(draw(1)).digest('hex').slice(0, 16);
    // One value for all backends and instruction sets.
    expect(hash).toBe('905824d85b0603ff');
  });

  it('drops whole channels with dropout2d', () => {
    const [N, C, area] = [50, 21, 4 * 5];
    const { data } = F.dropout2d(ones([N, C, 4, 5]), 0.4, { generator: generator() });
    let kept = 0;
    for (let at = 0; at < data.length; at += area) {
      expect(new Set(data.subarray(at, at + area)).size).toBe(1);
      kept += data[at] === 0 ? 0 : 1;
    }
    expect(Math.abs(kept / (N * C) - 0.6)).toBeLessThan(4 * Math.sqrt(0.24 / (N * C)));
  });

  it('does nothing for p = 0 or outside of training, and drops everything for p = 1', () => {
    const x = F.tensor([1, -2, Number.NaN, 4], [2, 2]);
    expect(F.dropout(x, 0)).toEqual(x);
    expect(F.dropout(x, 0.9, { training: false })).toEqual(x);
    expect(F.dropout(ones([4, 5]), 1).data).toEqual(new Float32Array(20));
  });

  it('refuses what is no probability, and channels where there are none', () => {
    expect(() => new Dropout(1.5)).toThrow(
      new OptionError('[Dropout] p must be a finite number from 0 to 1 but is 1.5'),
    );
    expect(() => new Dropout2d(Number.NaN)).toThrow(OptionError);
    expect(() => F.dropout2d(ones([2, 3]))).toThrow(
      new ShapeError('[dropout] expected images of C x H x W but got 3'),
    );
  });
});

function network(p: number): Module {
  manualSeed(5);
  return new Sequential(
    new Conv2d(1, 6, 3, { padding: 1 }),
    new Dropout2d(p),
    new MaxPool2d(2),
    new ReLU(),
    new Flatten(),
    new Dropout(p),
    new Linear(6 * 4 * 4, 4),
  );
}

const data = bars(24);
const step = { inputShape: data.shape, batchSize: data.length };

describe('a network with dropout', () => {
  const trained = async (seed: number, threads = 1, steps = 4) => {
    const { TWILL_BACKEND: backend, TWILL_ISA: isa } = process.env as Record<string, never>;
    const model = network(0.3);
    const trainer = new Trainer(model, {
      ...step,
      optimizer: new SGD({ lr: 0.1 }),
      backend: await loadBackend({ backend, isa, ...(backend === 'native' && { threads }) }),
      seed,
    });
    const losses = Array.from({ length: steps }, () => trainer.stepSync(data.images, data.labels).loss);
    return { weights: weightsOf(model), losses, trainer, model };
  };

  it('trains to the same bits with the same seed, on any number of threads', async () => {
    const { weights } = await trained(1);
    expect((await trained(1, 3)).weights).toEqual(weights);
    expect((await trained(2)).weights).not.toEqual(weights);
  });

  it('draws anew for each step, from a state that can be set', async () => {
    const { trainer, model } = await trained(1);
    const before = model.stateDict();
    const { random } = trainer;
    const next = () => {
      trainer.stepSync(data.images, data.labels);
      const after = weightsOf(model);
      model.loadStateDict(before);
      return after;
    };
    const first = next();
    expect(next()).not.toEqual(first);
    trainer.random = random;
    expect(next()).toEqual(first);
  });

  it('goes on from a checkpoint to the same bits', async () => {
    const { trainer, model } = await trained(1);
    const checkpoint = trainer.checkpoint();
    const next = () => {
      trainer.stepSync(data.images, data.labels);
      return weightsOf(model);
    };
    const first = next();
    const again = await trained(9);
    again.trainer.restore(checkpoint);
    again.trainer.stepSync(data.images, data.labels);
    expect(weightsOf(again.model)).toEqual(first);
  });

  it('has the gradient of what it computed: both directions drop the same', () => {
    const model = network(0.5);
    const optimizer = new SGD({ lr: 1 });
    const trainer = new Trainer(model, { ...step, optimizer });
    const { random } = trainer;
    const first = model.parameters().map((parameter) => parameter.read());
    trainer.stepSync(data.images, data.labels);
    const gradient = model.parameters().map((parameter, index) => {
      const after = parameter.read();
      return first[index]!.map((value, at) => value - after[at]!);
    });
    optimizer.lr = 0;
    // Of one mask the loss is smooth: a step along the gradient changes it by the gradient's square.
    const lossAt = (distance: number) => {
      trainer.random = random;
      model.parameters().forEach((parameter, index) => {
        parameter.write(first[index]!.map((value, at) => value + distance * gradient[index]![at]!));
      });
      return trainer.stepSync(data.images, data.labels).loss;
    };
    const square = gradient.flatMap((one) => [...one]).reduce((sum, one) => sum + one * one, 0);
    const h = 1e-3 / Math.sqrt(square);
    expect(Math.abs((lossAt(h) - lossAt(-h)) / (2 * h) - square)).toBeLessThan(0.02 * square);
  });

  it('is applied, and trained in eval mode, as if it had none', () => {
    const plain = network(0);
    const model = network(0.5);
    const options = { inputShape: data.shape };
    for (const fusion of [true, false]) {
      const scores = new Predictor(model, { ...options, fusion }).runSync(data.images);
      expect(scores).toEqual(new Predictor(plain, { ...options, fusion }).runSync(data.images));
    }
    for (const one of [plain, model.eval()]) {
      new Trainer(one, { ...step, optimizer: new SGD({ lr: 0.1 }) }).stepSync(data.images, data.labels);
    }
    expect(toBytes(model)).toEqual(toBytes(plain));
  });
});
