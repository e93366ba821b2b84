import { describe, expect, it } from 'vitest';
import {
  Adam,
  AdamW,
  Conv2d,
  Linear,
  MaxPool2d,
  Module,
  type Optimizer,
  OptionError,
  ReLU,
  RMSprop,
  SGD,
  type SymbolicTensor,
  Trainer,
  type TrainerOptions,
} from '../../src/index.node.js';
import { expectWithin } from '../reference/closeness.js';
import { goldenOptim } from '../reference/golden-optim.js';
import { weightsOf } from '../support.js';

const golden = goldenOptim();

/** The network of make-golden-optim.py. */
class Net extends Module {
  conv = new Conv2d(1, 5, 3, { padding: 1 });
  fc = new Linear(5 * 4 * 4, 4);

  constructor() {
    super();
    this.loadStateDict(golden.state('first'));
  }

  forward(x: SymbolicTensor): SymbolicTensor {
    const relu = new ReLU().forward(this.conv.forward(x));
    return this.fc.forward(new MaxPool2d(2).forward(relu).flatten());
  }
}

type Options = Omit<TrainerOptions, 'inputShape'>;

const trainerOf = (model: Module, options: Options) =>
  new Trainer(model, { inputShape: [1, 8, 8], batchSize: 6, ...options });

function train(trainer: Trainer, steps = 20): (number | undefined)[] {
  return Array.from({ length: steps }, (_, step) => {
    const { images, labels } = golden.batch(step);
    return trainer.stepSync(images, labels).gradNorm;
  });
}

const TRAININGS: Readonly<Record<string, () => Options>> = {
  adam: () => ({ optimizer: new Adam({ lr: 0.01 }) }),
  adam_amsgrad_decay: () => ({
    optimizer: new Adam({ lr: 0.02, betas: [0.8, 0.9], eps: 1e-6, weightDecay: 0.05, amsgrad: true }),
  }),
  adamw: () => ({ optimizer: new AdamW({ lr: 0.01 }) }),
  adamw_amsgrad: () => ({ optimizer: new AdamW({ lr: 0.02, weightDecay: 0.3, amsgrad: true }) }),
  rmsprop: () => ({ optimizer: new RMSprop({ lr: 0.002 }) }),
  rmsprop_momentum: () => ({ optimizer: new RMSprop({ lr: 0.001, momentum: 0.9, weightDecay: 0.01 }) }),
  rmsprop_centered: () => ({
    optimizer: new RMSprop({ lr: 0.001, alpha: 0.9, eps: 1e-4, momentum: 0.5, centered: true }),
  }),
  sgd_clip_norm: () => ({ optimizer: new SGD({ lr: 0.3, momentum: 0.9 }), clipGradNorm: 0.4 }),
  adam_measured: () => ({
    optimizer: new Adam({ lr: 0.01 }),
    clipGradNorm: Number.POSITIVE_INFINITY,
  }),
  sgd_clip_value: () => ({ optimizer: new SGD({ lr: 0.3 }), clipGradValue: 0.02 }),
  sgd_groups: () => ({
    optimizer: new SGD({
      lr: 0.1,
      momentum: 0.9,
      weightDecay: 0.01,
      groups: [
        { parameters: /bias$/, lr: 0.2, weightDecay: 0 },
        { parameters: 'fc', momentum: 0 },
      ],
    }),
  }),
  adamw_groups: () => ({
    optimizer: new AdamW({
      lr: 0.01,
      weightDecay: 0.2,
      groups: [{ parameters: ['conv.bias', 'fc.bias'], weightDecay: 0, amsgrad: true }],
    }),
  }),
  sgd_frozen: () => ({ optimizer: new SGD({ lr: 0.2, momentum: 0.9 }) }),
  sgd_average: () => ({ optimizer: new SGD({ lr: 0.2, momentum: 0.9 }), averaging: { decay: 0.9 } }),
};

describe("PyTorch's weights after 20 steps", () => {
  it('of every training that there are numbers of', () => {
    expect(Object.keys(TRAININGS)).toEqual(Object.keys(golden.index.trainings));
  });

  it.each(Object.keys(TRAININGS))('%s', (name) => {
    const model = new Net();
    if (name === 'sgd_frozen') model.conv.requiresGrad(false);
    const trainer = trainerOf(model, TRAININGS[name]!());
    const norms = train(trainer);
    const { f64, norms: theirNorms } = golden.index.trainings[name]!;
    const theirs = golden.state(name);
    const ours = model.stateDict();
    if (name === 'sgd_average') {
      for (const [path, tensor] of trainer.averagedState()) ours.set(`average.${path}`, tensor);
    }
    expect([...ours.keys()].sort()).toEqual([...theirs.keys()].sort());
    for (const [path, { data }] of theirs) {
      const bound = 4 * f64 + 2e-6 * data.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
      data.forEach((value, at) =>
        expect(Math.abs(ours.get(path)!.data[at]! - value), `${path}[${at}]`).toBeLessThanOrEqual(bound),
      );
    }
    if (theirNorms) expectWithin(norms as number[], theirNorms, 1e-5, 'norms');
    else expect(norms).toEqual(norms.map(() => undefined));
  });
});

describe('parameter groups', () => {
  const cut = (group: object) => new SGD({ groups: [group as never] });

  it('follow the learning rate of the optimizer until they have their own', () => {
    const model = new Net();
    const optimizer = new SGD({
      lr: 0,
      groups: [{ parameters: 'conv', lr: 0.1 }, { parameters: 'fc.bias' }],
    });
    const trainer = trainerOf(model, { optimizer });
    const state = () => model.stateDict();
    const first = state();
    train(trainer, 1);
    const second = state();
    expect(second.get('conv.bias')).not.toEqual(first.get('conv.bias'));
    expect(second.get('fc.bias')).toEqual(first.get('fc.bias'));
    optimizer.lr = 0.1;
    optimizer.groups[0]!.lr = 0;
    train(trainer, 1);
    expect(state().get('conv.bias')).toEqual(second.get('conv.bias'));
    expect(state().get('fc.bias')).not.toEqual(second.get('fc.bias'));
    expect(optimizer.groups.map(({ lr }) => lr)).toEqual([0, 0.1]);
  });

  it('are refused where they cannot be used', () => {
    expect(() => cut({})).toThrow(OptionError);
    expect(() => cut({ parameters: [] })).toThrow('[SGD, group 1] parameters must be paths');
    expect(() => cut({ parameters: 'fc', lr: -1 })).toThrow('[SGD, group 1] lr must be');
    expect(() => cut({ parameters: 'fc', learningRate: 1 })).toThrow("unknown option 'learningRate'");
    expect(() => trainerOf(new Net(), { optimizer: cut({ parameters: 'cnn' }) })).toThrow(
      "[SGD, group 1] 'cnn' names no parameter of the model, which has conv.weight, conv.bias, fc.weight, fc.bias",
    );
  });

  it('are in the options that make another one like it', () => {
    const groups = [{ parameters: /bias$/, betas: [0.5, 0.9] as const, lr: 0.1 }];
    const { options } = new AdamW({ lr: 0.3, groups });
    expect(new AdamW(options).options).toEqual(options);
    expect(options).toEqual({
      lr: 0.3,
      betas: [0.9, 0.999],
      eps: 1e-8,
      weightDecay: 0.01,
      amsgrad: false,
      groups,
    });
  });
});

describe('a step whose loss or gradient is not finite', () => {
  const { images, labels } = golden.batch(0);

  it.each<[string, () => Options]>([
    ['SGD', () => ({ optimizer: new SGD({ lr: 0.1, momentum: 0.9 }), averaging: {} })],
    ['Adam', () => ({ optimizer: new Adam({ amsgrad: true }), clipGradNorm: 1 })],
    ['RMSprop', () => ({ optimizer: new RMSprop({ momentum: 0.9, centered: true }), clipGradValue: 1 })],
  ])('changes nothing with %s', (_, options) => {
    const [model, other] = [new Net(), new Net()];
    const [trainer, plain] = [trainerOf(model, options()), trainerOf(other, options())];
    train(trainer, 2);
    const before = weightsOf(model);
    const result = trainer.stepSync(
      images.map((pixel, at) => (at === 5 ? Number.NaN : pixel)),
      labels,
    );
    expect(result.loss).toBeNaN();
    expect(weightsOf(model)).toEqual(before);
    expect(trainer.steps).toBe(2);
    train(trainer, 3);
    train(plain, 2);
    train(plain, 3);
    expect(weightsOf(model)).toEqual(weightsOf(other));
  });

  it('is told by the norm of its gradients', () => {
    const model = new Net();
    const trainer = trainerOf(model, { optimizer: new SGD({ lr: 0.1 }), clipGradNorm: 1 });
    const before = weightsOf(model);
    // The loss is finite, but a weight's gradient is the product of a pixel and a score's: too large for a float.
    const bright = images.map((pixel) => pixel * 3e38);
    model.fc.weight.write(new Float32Array(model.fc.weight.size));
    before.set(new Float32Array(model.fc.weight.size), model.conv.weight.size + 5);
    const { loss, gradNorm } = trainer.stepSync(bright, labels);
    expect(Number.isFinite(loss)).toBe(true);
    expect(Number.isFinite(gradNorm)).toBe(false);
    expect(weightsOf(model)).toEqual(before);
    expect(trainer.steps).toBe(0);
  });
});

describe('averaging', () => {
  it('exchanges the weights with their averages and back', () => {
    const model = new Net();
    const trainer = trainerOf(model, { optimizer: new SGD({ lr: 0.2 }), averaging: { decay: 0.9 } });
    train(trainer, 5);
    const [weights, averages] = [model.stateDict(), trainer.averagedState()];
    expect(weights).not.toEqual(averages);
    trainer.exchangeAverage();
    expect([...model.stateDict()].map(([path, { data }]) => [path, data])).toEqual(
      [...averages].map(([path, { data }]) => [path, data]),
    );
    expect(() => train(trainer, 1)).toThrow('the model holds the averaged weights');
    trainer.exchangeAverage();
    expect(model.stateDict()).toEqual(weights);
    train(trainer, 1);
  });

  it('is refused where it cannot be', () => {
    const optimizer: Optimizer = new SGD();
    expect(() => trainerOf(new Net(), { optimizer, averaging: { decay: 2 } })).toThrow(
      '[Trainer, averaging] decay must be a finite number from 0 to 1 but is 2',
    );
    expect(() => trainerOf(new Net(), { optimizer }).averagedState()).toThrow('has no averaging');
  });
});

describe('options of optimizers and clipping', () => {
  it('are refused where PyTorch refuses them', () => {
    expect(() => new Adam({ betas: [0.9, 1] })).toThrow('[Adam] betas must be two numbers');
    expect(() => new AdamW({ eps: -1 })).toThrow('[AdamW] eps must be');
    expect(() => new RMSprop({ alpha: -1 })).toThrow('[RMSprop] alpha must be');
    expect(() => new Adam({ momentum: 0.9 } as never)).toThrow("[Adam] unknown option 'momentum'");
    const optimizer = new SGD();
    expect(() => trainerOf(new Net(), { optimizer, clipGradNorm: 0 })).toThrow('clipGradNorm must be');
    expect(() => trainerOf(new Net(), { optimizer, clipGradNorm: 1, clipGradValue: 2 })).toThrow(
      '[Trainer] takes clipGradNorm or clipGradValue but got both, 1 and 2',
    );
  });

  it('keep what is undefined at its default', () => {
    expect(new SGD({ lr: undefined as never }).lr).toBe(0.001);
  });
});
