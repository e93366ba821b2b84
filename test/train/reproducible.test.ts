import { describe, expect, it } from 'vitest';
import { loadNative, nativeInstructionSets } from '../../src/backend/native.node.js';
import {
  type Backend,
  BatchNorm1d,
  BatchNorm2d,
  Conv2d,
  Flatten,
  fit,
  fromBytes,
  Generator,
  Linear,
  loadBackend,
  MaxPool2d,
  type Module,
  ReLU,
  Sequential,
  SGD,
  toBytes,
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

async function trained(backend: Backend, epochs = 2, model = network()): Promise<Float32Array> {
  const optimizer = new SGD({ lr: 0.05 });
  await fit(model, train, { epochs, batchSize: 64, optimizer, backend }).finish();
  return weightsOf(model);
}

describe('the same seed gives the same weights, to the bit,', () => {
  it('with any number of threads', async () => {
    const one = await trained(await loadBackend({ threads: 1 }));
    for (const threads of [2, 3, 8]) {
      const backend = await loadBackend({ threads });
      expect(await trained(backend), `${backend.info().threads} threads`).toEqual(one);
    }
  });

  it('on every instruction set with fused multiply-add', async () => {
    const fused = nativeInstructionSets().filter((isa) => isa !== 'sse2');
    const [first, ...others] = fused.map((isa) => loadNative({ threads: 2, isa, fallbacks: [] }));
    if (!first) return;
    const weights = await trained(first);
    for (const other of others) expect(await trained(other), other.info().isa).toEqual(weights);
  });

  it('after a save, a load and a resume', async () => {
    const backend = await loadBackend();
    const model = network();
    await trained(backend, 1, model);
    const resumed = network();
    fromBytes(resumed, toBytes(model));
    await trained(backend, 1, resumed);
    expect(weightsOf(resumed)).toEqual(await trained(backend, 2));
  });
});
