import { describe, expect, it } from 'vitest';
import {
  Adam,
  CosineAnnealingLR,
  type EpochResult,
  evaluate,
  type FitOptions,
  fit,
  Generator,
  Linear,
  LinearLR,
  type Module,
  OneCycleLR,
  OptionError,
  ReduceLROnPlateau,
  Sequential,
  SequentialLR,
  SGD,
  StepLR,
  Trainer,
} from '../../src/index.node.js';
import { bars, classifier, weightsOf } from '../support.js';

const train = bars(110);
const validation = bars(40, { seed: 2 });
const BATCHES = 4;

const network = classifier;

const base = (optimizer = new SGD({ lr: 0.1, momentum: 0.9 })): FitOptions => ({
  optimizer,
  batchSize: 30,
  epochs: 4,
});

describe('a schedule', () => {
  it('sets the rate of each epoch, and leaves the optimizer as it was', async () => {
    const optimizer = new SGD({ lr: 0.1, groups: [{ parameters: '0', lr: 0.2 }] });
    const inEpochs: number[] = [];
    const run = fit(network(), train, {
      ...base(optimizer),
      schedule: new StepLR({ stepSize: 2 }),
      onBatch: ({ lr }) => void inEpochs.push(lr, optimizer.groups[0]!.lr),
    });
    const { epochs } = await run.finish();
    expect(epochs.map(({ lr }) => lr)).toEqual([0.1, 0.1, 0.1 * 0.1, 0.1 * 0.1]);
    expect(inEpochs.slice(0, 2)).toEqual([0.1, 0.2]);
    expect(inEpochs.slice(-2)).toEqual([0.1 * 0.1, 0.2 * 0.1]);
    expect(optimizer.lrs).toEqual([0.1, 0.2]);
    expect(epochs.at(-1)!.steps).toBe(4 * BATCHES);
  });

  it('of steps has the rates and momenta that it says, and trains as a loop that sets them', async () => {
    const schedule = new OneCycleLR({ maxLr: 0.2 });
    const [model, other] = [network(), network()];
    const lrs: number[] = [];
    const optimizer = new SGD({ lr: 0.1 });
    await fit(model, train, {
      ...base(optimizer),
      schedule,
      onBatch: ({ lr }) => void lrs.push(lr),
    }).finish();
    const moment = (count: number) => ({ count, total: 4 * BATCHES, metrics: [] });
    expect(lrs).toEqual(lrs.map((_, step) => schedule.lr(0.1, moment(step))));
    expect(optimizer.momentum).toBe(0);
    const own = new SGD({ lr: 0.1, momentum: 0.95 });
    const trainer = new Trainer(other, { inputShape: train.shape, optimizer: own });
    for (let step = 0; step < 4 * BATCHES; step++) {
      own.lrs = [schedule.lr(0.1, moment(step))];
      own.momenta = [schedule.momentum(moment(step))];
      const start = (step % BATCHES) * 30;
      const part = train.subset(start, Math.min(110, start + 30));
      trainer.stepSync(part.images, part.labels);
    }
    expect(weightsOf(model)).toEqual(weightsOf(other));
  });

  it('warms up, and reduces on a plateau of what it monitors', async () => {
    const warm = new SequentialLR({
      schedules: [new LinearLR({ totalIters: 2 }), new CosineAnnealingLR()],
      milestones: [2],
    });
    const { epochs } = await fit(network(), train, { ...base(), schedule: warm }).finish();
    expect(epochs.map(({ lr }) => lr)).toEqual(
      [0.1 / 3, 0.2 / 3, 0.1, 0.05].map((lr) => expect.closeTo(lr, 12)),
    );
    const schedule = new ReduceLROnPlateau({ patience: 0, threshold: 1e9, monitor: 'trainAccuracy' });
    const reduced = await fit(network(), train, { ...base(), schedule }).finish();
    expect(reduced.epochs.map(({ lr }) => lr)).toEqual(
      [0.1, 0.1, 0.01, 0.001].map((lr) => expect.closeTo(lr, 12)),
    );
    const watching = new ReduceLROnPlateau({ monitor: 'validationLoss' });
    await expect(fit(network(), train, { ...base(), schedule: watching }).finish()).rejects.toThrow(
      '[fit, schedule] validationLoss can only be monitored with validation images',
    );
    expect(() => fit(network(), train, { ...base(), schedule: {} as never })).toThrow(
      'schedule must be one such',
    );
  });
});

describe('averaging', () => {
  it('is what is validated, shown between epochs, and there in the end', async () => {
    const model = network();
    const options = { ...base(), averaging: { decay: 0.7 }, validation };
    const shown: Float32Array[] = [];
    const inside: Float32Array[] = [];
    const run = fit(model, train, { ...options, onBatch: () => void inside.push(weightsOf(model)) });
    for await (const { accuracy, validationLoss } of run) {
      shown.push(weightsOf(model));
      const evaluation = await evaluate(model, validation);
      expect([evaluation.accuracy, evaluation.loss]).toEqual([accuracy, validationLoss]);
    }
    expect(weightsOf(model)).toEqual(shown.at(-1));
    const plain = network();
    const weights: Float32Array[] = [];
    await fit(plain, train, { ...base(), onBatch: () => void weights.push(weightsOf(plain)) }).finish();
    expect(inside).toEqual(weights);
    const average = weights.reduce((mean, now) => mean.map((value, at) => value + (now[at]! - value) * 0.3));
    shown.at(-1)!.forEach((value, at) => expect(value).toBeCloseTo(average[at]!, 5));
  });

  it('is in the model after an abort and after a loop that was left', async () => {
    const averages = async (use: (model: Module) => Promise<void>) => {
      const model = network();
      await use(model);
      return weightsOf(model);
    };
    const options = () => ({ ...base(new SGD({ lr: 0.1, momentum: 0.9 })), averaging: { decay: 0.7 } });
    const whole = await averages((model) =>
      fit(model, train, { ...options(), epochs: 1 })
        .finish()
        .then(() => {}),
    );
    const left = await averages(async (model) => {
      for await (const _ of fit(model, train, options())) break;
    });
    const aborted = await averages(async (model) => {
      const controller = new AbortController();
      let batches = 0;
      const onBatch = () => ++batches === BATCHES && controller.abort();
      await fit(model, train, { ...options(), signal: controller.signal, onBatch }).finish();
    });
    expect(left).toEqual(whole);
    expect(aborted).toEqual(whole);
  });
});

describe('early stopping', () => {
  /** Gets worse from some epoch on, for the rate is far too large then. */
  const worsening = (from: number) => {
    const optimizer = new SGD({ lr: 0.1, momentum: 0.9 });
    return {
      ...base(optimizer),
      epochs: 20,
      onEpoch: ({ epoch }: EpochResult) => void (epoch >= from && (optimizer.lr = 3)),
    };
  };

  it('ends with the weights of the best epoch', async () => {
    const model = network();
    const kept: Float32Array[] = [];
    const { onEpoch, ...options } = worsening(3);
    const run = fit(model, train, {
      ...options,
      validation,
      earlyStopping: { patience: 2 },
      onEpoch: (result) => {
        kept.push(weightsOf(model));
        onEpoch(result);
      },
    });
    const { epochs, best } = await run.finish();
    expect(run.stoppedEarly).toBe(true);
    expect(epochs.length).toBeLessThan(20);
    expect(epochs.length).toBe(best!.epoch + 2);
    expect(best!.value).toBe(Math.min(...epochs.map(({ validationLoss }) => validationLoss!)));
    expect(weightsOf(model)).toEqual(kept[best!.epoch - 1]);
  });

  it('can leave the last weights, and watch other numbers', async () => {
    const model = network();
    const kept: Float32Array[] = [];
    const run = fit(model, train, {
      ...base(),
      epochs: 9,
      earlyStopping: { patience: 2, minDelta: 10, monitor: 'trainAccuracy', restoreBest: false },
      onEpoch: () => void kept.push(weightsOf(model)),
    });
    const { best, epochs } = await run.finish();
    expect(best!.epoch).toBe(1);
    expect(epochs.length).toBe(3);
    expect(weightsOf(model)).toEqual(kept[2]);
  });

  it('is refused where it cannot be', () => {
    const run = (earlyStopping: object) => () => fit(network(), train, { ...base(), earlyStopping });
    expect(run({ patience: 0 })).toThrow(OptionError);
    expect(run({ monitor: 'validationLoss' })).toThrow('can only be monitored with validation images');
    expect(run({ monitor: 'accurracy' })).toThrow("monitor must be one of 'loss'");
    expect(run({ patince: 3 })).toThrow("did you mean 'patience'?");
  });
});

describe('transfer learning', () => {
  it('trains a new head on frozen layers, then all with a smaller rate below', async () => {
    const model = network();
    await fit(model, train, base()).finish();
    const [conv, , , ,] = [...model.children().values()];
    const head = new Linear(6 * 4 * 4, 4, { generator: new Generator(8) });
    const next = new Sequential(...[...model.children().values()].slice(0, 4), head);
    conv!.requiresGrad(false);
    const before = weightsOf(conv!);
    await fit(next, train, { ...base(new SGD({ lr: 0.05 })), clipGradNorm: 1 }).finish();
    expect(weightsOf(conv!)).toEqual(before);
    conv!.requiresGrad(true);
    const optimizer = new Adam({ lr: 0.005, groups: [{ parameters: '0', lr: 0.0001 }] });
    const { epochs } = await fit(next, train, { ...base(), optimizer, epochs: 6 }).finish();
    const moved = weightsOf(conv!).map((value, at) => Math.abs(value - before[at]!));
    expect(Math.max(...moved)).toBeGreaterThan(0);
    expect(Math.max(...moved)).toBeLessThan(6 * BATCHES * 0.0002);
    expect(epochs.at(-1)!.accuracy).toBeGreaterThan(0.9);
  });
});
