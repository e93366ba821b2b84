import { describe, expect, it } from 'vitest';
import {
  Flatten,
  Generator,
  Linear,
  OptionError,
  Sequential,
  SGD,
  type SGDOptions,
  type SGDSettings,
  Trainer,
} from '../../src/index.node.js';
import { expectWithin } from '../reference/closeness.js';
import * as reference from '../reference/reference.js';
import { bars } from '../support.js';

const data = bars(16, { classes: 3, size: 4 });
const IN = 16;
const OUT = 3;

/** torch.optim.SGD on a linear classifier, in float64: its documentation's algorithm, step by step. */
function referenceSgd(first: [Float32Array, Float32Array], steps: number, options: SGDSettings) {
  const pixels = Float64Array.from(data.images as Uint8Array, (value) => value / 255);
  const parameters = first.map((values) => Float64Array.from(values)) as [Float64Array, Float64Array];
  const velocities: (Float64Array | undefined)[] = [undefined, undefined];
  for (let step = 0; step < steps; step++) {
    const scores = reference.linear(pixels, parameters[0], parameters[1], OUT).values;
    const { gradient } = reference.crossEntropy(scores, data.labels, OUT);
    const { weight, bias } = reference.linearBackward(gradient, pixels, parameters[0], OUT);
    [weight.values, bias.values].forEach((gradients, which) => {
      const parameter = parameters[which]!;
      const { lr, momentum, dampening, weightDecay, nesterov } = options;
      const g = gradients.map((value, at) => value + weightDecay * parameter[at]!);
      const earlier = velocities[which];
      const v = earlier ? earlier.map((value, at) => momentum * value + (1 - dampening) * g[at]!) : g.slice();
      velocities[which] = v;
      parameter.forEach((value, at) => {
        const direction = momentum === 0 ? g[at]! : nesterov ? g[at]! + momentum * v[at]! : v[at]!;
        parameter[at] = value - lr * direction;
      });
    });
  }
  return parameters;
}

describe('SGD', () => {
  it.each<SGDOptions>([
    { lr: 0.5 },
    { lr: 0.1, momentum: 0.9 },
    { lr: 0.1, momentum: 0.8, dampening: 0.3, weightDecay: 0.01 },
    { lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.001 },
  ])("takes PyTorch's steps with %o", (options) => {
    const linear = new Linear(IN, OUT, { generator: new Generator(5) });
    const model = new Sequential(new Flatten(), linear);
    const first: [Float32Array, Float32Array] = [linear.weight.read(), linear.bias!.read()];
    const trainer = new Trainer(model, { inputShape: data.shape, optimizer: new SGD(options) });
    for (let step = 0; step < 20; step++) trainer.stepSync(data.images, data.labels);
    const defaults = { lr: 0.001, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false };
    const [weight, bias] = referenceSgd(first, 20, { ...defaults, ...options });
    expectWithin(linear.weight.read(), weight, 1e-5, 'weight');
    expectWithin(linear.bias!.read(), bias, 1e-5, 'bias');
  });

  it('takes a new learning rate between steps', () => {
    const linear = new Linear(IN, OUT);
    const optimizer = new SGD({ lr: 0.1 });
    const trainer = new Trainer(new Sequential(new Flatten(), linear), { inputShape: data.shape, optimizer });
    trainer.stepSync(data.images, data.labels);
    const before = linear.weight.read();
    optimizer.lr = 0;
    trainer.stepSync(data.images, data.labels);
    expect(linear.weight.read()).toEqual(before);
  });

  it('refuses what PyTorch refuses', () => {
    expect(() => new SGD({ lr: -1 })).toThrow(OptionError);
    expect(() => new SGD({ nesterov: true })).toThrow('[SGD] nesterov needs a momentum');
    expect(() => new SGD({ learningRate: 0.1 } as never)).toThrow("unknown option 'learningRate'");
  });
});
