import { expect, it } from 'vitest';
import {
  Adam,
  Conv2d,
  Flatten,
  Generator,
  Linear,
  type Module,
  type Optimizer,
  ReLU,
  RMSprop,
  Sequential,
  SGD,
  Trainer,
} from '../../src/index.node.js';

const SMALLEST_NORMAL = 2 ** -126;

function network(channels: number): Module {
  const generator = new Generator(1);
  return new Sequential(
    new Conv2d(channels, 5, 3, { generator }),
    new ReLU(),
    new Flatten(),
    new Linear(5 * 36, 3, { generator }),
  );
}

/** Eight images 8x8; every third value is replaced. */
function images(channels: number, replacement: number): Float32Array {
  const generator = new Generator(2);
  return Float32Array.from({ length: 8 * channels * 64 }, (_, i) => {
    const value = generator.uniform(0, 1);
    return i % 3 === 0 ? replacement : value;
  });
}

const labels = Int32Array.from({ length: 8 }, (_, i) => i % 3);

function learn(optimizer: Optimizer, channels: number, x: Float32Array, model = network(channels)) {
  const trainer = new Trainer(model, { inputShape: [channels, 8, 8], optimizer, batchSize: 8 });
  for (let step = 0; step < 3; step++) trainer.stepSync(x, labels);
  return trainer.snapshot();
}

it.each([1, 3])(
  'images of %i channels: what is too small to be a normal float is learnt from as 0',
  (channels) => {
    const [tiny, none] = [1e-39, 0].map((value) =>
      learn(new SGD({ lr: 0.1 }), channels, images(channels, value)),
    );
    expect(tiny!.model).toEqual(none!.model);
  },
);

it.each([
  new SGD({ lr: 0.1, momentum: 0.9 }),
  new Adam({ lr: 0.01, amsgrad: true }),
  new RMSprop({ lr: 0.01, momentum: 0.9, centered: true }),
])('%o keeps no weight and no state that is too small to be a normal float', (optimizer) => {
  const model = network(1);
  for (const parameter of model.parameters()) {
    parameter.write(parameter.read().map((value, i) => (i % 2 === 0 ? value : value * 1e-38)));
  }
  // Gradients that small, too.
  optimizer.lr = 1e-38;
  const { model: weights, optimizer: state } = learn(optimizer, 1, images(1, 0), model);
  const kept = [...weights.values(), ...state.values()].flatMap(({ data }) =>
    Array.from(data as Float32Array),
  );
  expect(kept.length).toBeGreaterThan(500);
  expect(kept.filter((value) => value !== 0 && Math.abs(value) < SMALLEST_NORMAL)).toEqual([]);
  expect(kept.some((value) => value !== 0)).toBe(true);
});
