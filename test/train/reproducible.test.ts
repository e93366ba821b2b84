import { describe, expect, it } from 'vitest';
import { loadNative, nativeInstructionSets } from '../../src/backend/native.node.js';
import {
  AdamW,
  AdaptiveAvgPool2d,
  AvgPool2d,
  type Backend,
  BatchNorm1d,
  BatchNorm2d,
  Conv2d,
  ConvTranspose2d,
  fit,
  Flatten,
  fromBytes,
  Generator,
  GroupNorm,
  InstanceNorm2d,
  LayerNorm,
  Linear,
  loadBackend,
  MaxPool2d,
  type Module,
  type Optimizer,
  ReflectionPad2d,
  ReLU,
  RMSprop,
  Sequential,
  SGD,
  toBytes,
  Unflatten,
} from '../../src/index.node.js';
import { bars, weightsOf } from '../support.js';

const train = bars(230, { size: 12 });

/** Every kind of kernel: fused and not, dense and pooled gradients, tails of the vectors. */
function network(): Module {
  const generator = new Generator(1);
  return new Sequential(
    new Conv2d(1, 16, 5, { padding: 2, generator }),
    new ReLU(),
    new MaxPool2d(2),
    new Conv2d(16, 19, 3, { padding: 1, generator }),
    new BatchNorm2d(19),
    new ReLU(),
    new Conv2d(19, 32, 3, { padding: 1, generator }),
    new BatchNorm2d(32),
    new ReLU(),
    new MaxPool2d(2),
    new Flatten(),
    new Linear(32 * 3 * 3, 4, { generator }),
    new BatchNorm1d(4),
  );
}

/** The layers that work over space and channels. */
function spatial(): Module {
  const generator = new Generator(2);
  return new Sequential(
    new ReflectionPad2d(1),
    new Conv2d(1, 20, 3, { generator }),
    new GroupNorm(5, 20),
    new ReLU(),
    new AvgPool2d(3, { stride: 2, padding: 1 }),
    new ConvTranspose2d(20, 19, 3, { stride: 2, padding: 1, outputPadding: 1, generator }),
    new ReLU(),
    new LayerNorm([19, 12, 12]),
    new AdaptiveAvgPool2d([5, 7]),
    new InstanceNorm2d(19, { affine: true }),
    new Flatten(),
    new Unflatten(1, [35, 19, 1]),
    new Conv2d(35, 4, [3, 1], { generator }),
    new Flatten(),
    new LayerNorm(4 * 17),
    new Linear(4 * 17, 4, { generator }),
  );
}

/** Linear layers that are cut into panels, with and without one another's outputs between. */
function dense(): Module {
  const generator = new Generator(3);
  return new Sequential(
    new Flatten(),
    new Linear(144, 301, { generator }),
    new ReLU(),
    new Linear(301, 120, { generator }),
    new Linear(120, 280, { bias: false, generator }),
    new ReLU(),
    new Linear(280, 4, { generator }),
  );
}

async function trained(backend: Backend, model: Module, epochs = 2): Promise<Float32Array> {
  const optimizer = new SGD({ lr: 0.05 });
  await fit(model, train, { epochs, batchSize: 64, optimizer, backend }).finish();
  return weightsOf(model);
}

describe.each([
  ['convolutions, pools, batch normalisations', network],
  ['the layers over space and channels', spatial],
  ['linear layers of many weights', dense],
])('the same seed gives the same weights, to the bit, with %s,', (_name, make) => {
  it('with any number of threads', async () => {
    const one = await trained(await loadBackend({ threads: 1 }), make());
    for (const threads of [2, 3, 8]) {
      const backend = await loadBackend({ threads });
      expect(await trained(backend, make()), `${backend.info().threads} threads`).toEqual(one);
    }
  });

  it('on every instruction set with fused multiply-add', async () => {
    const fused = nativeInstructionSets().filter((isa) => isa !== 'sse2');
    const [first, ...others] = fused.map((isa) => loadNative({ threads: 2, isa, fallbacks: [] }));
    if (!first) return;
    const weights = await trained(first, make());
    for (const other of others) expect(await trained(other, make()), other.info().isa).toEqual(weights);
  });

  it('after a save, a load and a resume', async () => {
    const backend = await loadBackend();
    const model = make();
    await trained(backend, model, 1);
    const resumed = make();
    fromBytes(resumed, toBytes(model));
    await trained(backend, resumed, 1);
    expect(weightsOf(resumed)).toEqual(await trained(backend, make()));
  });
});

describe('the same weights, to the bit, by every update rule with clipped gradients and averaged weights', () => {
  const rules: readonly (() => Optimizer)[] = [
    () => new AdamW({ lr: 0.01, amsgrad: true, groups: [{ parameters: /bias$/, weightDecay: 0 }] }),
    () => new RMSprop({ lr: 0.001, momentum: 0.9, centered: true }),
    () => new SGD({ lr: 0.05, momentum: 0.9, nesterov: true }),
  ];
  const updated = async (backend: Backend, rule: () => Optimizer) => {
    const model = network();
    const options = { batchSize: 64, optimizer: rule(), clipGradNorm: 0.5, averaging: { decay: 0.8 } };
    await fit(model, train, { ...options, backend }).finish();
    return weightsOf(model);
  };

  it.each(rules)('%o, with any number of threads', async (rule) => {
    const one = await updated(await loadBackend({ threads: 1 }), rule);
    for (const threads of [2, 3]) expect(await updated(await loadBackend({ threads }), rule)).toEqual(one);
  });

  it('on every instruction set with fused multiply-add', async () => {
    const fused = nativeInstructionSets().filter((isa) => isa !== 'sse2');
    const [first, ...others] = fused.map((isa) => loadNative({ threads: 2, isa, fallbacks: [] }));
    for (const rule of first ? rules : []) {
      const weights = await updated(first!, rule);
      for (const other of others) expect(await updated(other, rule), other.info().isa).toEqual(weights);
    }
  });
});
