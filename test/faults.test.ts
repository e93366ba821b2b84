import { afterEach, describe, expect, it, vi } from 'vitest';
import { ImageDataset } from '../src/data/index.node.js';
import { evaluate, fit, type FitOptions, predict, SGD, toBytes, Trainer } from '../src/index.node.js';
import { bars } from './support.js';
import { Net } from './worker-model.js';

const train = bars(110);
const options = (more: Partial<FitOptions> = {}): FitOptions => ({
  optimizer: new SGD({ lr: 0.05, momentum: 0.9 }),
  batchSize: 30,
  epochs: 3,
  ...more,
});

/** The weights after `steps` steps that nothing interrupts. */
async function after(steps: number): Promise<Uint8Array> {
  const model = new Net();
  const controller = new AbortController();
  let taken = 0;
  if (steps > 0) {
    const onBatch = () => ++taken === steps && controller.abort();
    await fit(model, train, options({ onBatch, signal: controller.signal })).finish();
  }
  return toBytes(model);
}

describe('what somebody else throws', () => {
  const mine = new RangeError('mine');
  const goesOn = async (model: Net) => {
    await fit(model, train, options({ epochs: 1 })).finish();
    expect((await evaluate(model, train)).size).toBe(110);
  };

  it.each([1, 4, 6])('in onBatch after %s steps leaves the weights of that step', async (steps) => {
    const model = new Net();
    let taken = 0;
    const onBatch = () => {
      if (++taken === steps) throw mine;
    };
    await expect(fit(model, train, options({ onBatch })).finish()).rejects.toBe(mine);
    expect(toBytes(model)).toEqual(await after(steps));
    await goesOn(model);
  });

  it('in onEpoch leaves those of the epoch', async () => {
    for (const onEpoch of [
      () => Promise.reject(mine),
      () => {
        throw mine;
      },
    ]) {
      const model = new Net();
      await expect(fit(model, train, options({ onEpoch })).finish()).rejects.toBe(mine);
      expect(toBytes(model)).toEqual(await after(4));
      await goesOn(model);
    }
  });

  it("in a data set's copy() leaves those of the last step, which is awaited", async () => {
    for (const failing of [1, 3, 5]) {
      const data = new ImageDataset({ images: train.images, labels: train.labels, shape: train.shape });
      let copies = 0;
      const whole = data.copy.bind(data);
      data.copy = (...given: Parameters<typeof whole>) => {
        if (++copies === failing) throw mine;
        whole(...given);
      };
      const model = new Net();
      await expect(fit(model, data, options()).finish()).rejects.toBe(mine);
      expect(toBytes(model), `${failing}`).toEqual(await after(failing - 1));
      await goesOn(model);
    }
  });

  it('in what keeps a checkpoint leaves those of the step', async () => {
    const model = new Net();
    const checkpoint = { to: () => Promise.reject(mine), every: 2 };
    await expect(fit(model, train, options({ checkpoint })).finish()).rejects.toBe(mine);
    expect(toBytes(model)).toEqual(await after(2));
    await goesOn(model);
  });

  it('in the targets of a step leaves a trainer that can be used', () => {
    const [model, other] = [new Net(), new Net()];
    const trainers = [model, other].map(
      (one) => new Trainer(one, { inputShape: train.shape, optimizer: new SGD() }),
    );
    const { images, labels } = train.subset(0, 20);
    const hostile = new Proxy([...labels], {
      get: (array, key) => {
        if (key === '7') throw mine;
        return Reflect.get(array, key) as unknown;
      },
    });
    expect(() => trainers[0]!.stepSync(images, hostile)).toThrow(mine);
    for (const one of trainers) one.stepSync(images, labels);
    expect(toBytes(model)).toEqual(toBytes(other));
  });
});

describe('a clock that goes backwards', () => {
  afterEach(() => void vi.restoreAllMocks());

  it('changes no step, and what it is asked for only', async () => {
    const [plain, model] = [new Net(), new Net()];
    await fit(plain, train, options()).finish();
    let now = 1e9;
    vi.spyOn(performance, 'now').mockImplementation(() => (now -= 1000));
    vi.spyOn(Date, 'now').mockImplementation(() => (now -= 1000));
    const { epochs } = await fit(model, train, options({ validation: train })).finish();
    expect(toBytes(model)).toEqual(toBytes(plain));
    expect(epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
    expect(epochs.every(({ seconds, evalSeconds }) => Number.isFinite(seconds + evalSeconds))).toBe(true);
  });
});

describe('one model that several use at once', () => {
  const trainersOf = (model: Net) =>
    [0.05, 0.01].map((lr) => {
      return new Trainer(model, { inputShape: train.shape, optimizer: new SGD({ lr }), batchSize: 110 });
    }) as [Trainer, Trainer];
  const { images, labels } = train;

  it('takes the steps of two trainers in order, and predicts with the weights between two steps', async () => {
    const [model, other] = [new Net(), new Net()];
    const [first, second] = trainersOf(model);
    const [step, early, next, late] = await Promise.all([
      first.step(images, labels),
      predict(model, train),
      second.step(images, labels),
      evaluate(model, train),
    ]);
    const [alone, another] = trainersOf(other);
    const between = [await predict(other, train)];
    expect(step).toEqual(await alone.step(images, labels));
    between.push(await predict(other, train));
    expect(next).toEqual(await another.step(images, labels));
    between.push(await predict(other, train));
    expect(toBytes(model)).toEqual(toBytes(other));
    expect(between).toContainEqual(early);
    expect(between.map(({ probabilities }) => probabilities)).toContainEqual(late.probabilities);
  });

  it('is refused to a trainer that is in the middle of a step', async () => {
    const [trainer] = trainersOf(new Net());
    const step = trainer.step(images, labels);
    const again = trainer.step(images, labels);
    expect(() => trainer.checkpoint()).toThrow('a step is still running');
    expect(() => trainer.dispose()).toThrow('a step is still running');
    await expect(again).rejects.toThrow('a step is still running');
    expect((await step).size).toBe(110);
  });
});
