import { describe, expect, it } from 'vitest';
import {
  Conv2d,
  Flatten,
  Generator,
  Linear,
  loadBackend,
  MaxPool2d,
  type Module,
  Predictor,
  ReLU,
  Sequential,
} from '../../src/index.node.js';

const SHAPE = [3, 40, 36];

/** Large enough that one image is cut into bands of rows, fused and not, with rows that bands do not divide. */
function network(): Module {
  const generator = new Generator(1);
  return new Sequential(
    new Conv2d(3, 24, 5, { padding: 2, generator }),
    new ReLU(),
    new Conv2d(24, 35, 3, { padding: 1, stride: [2, 1], generator }),
    new ReLU(),
    new MaxPool2d([2, 3]),
    new Conv2d(35, 64, 3, { padding: 1, generator }),
    new MaxPool2d(3, { stride: 1 }),
    new Flatten(),
    new Linear(64 * 8 * 10, 7, { generator }),
  );
}

describe('the same scores, to the bit,', () => {
  const generator = new Generator(2);
  const size = SHAPE.reduce((a, b) => a * b, 1);
  const images = Float32Array.from({ length: 20 * size }, () => generator.uniform(-1, 1));
  const scores = async (batchSize: number, threads: number) =>
    new Predictor(network(), { inputShape: SHAPE, batchSize, backend: await loadBackend({ threads }) });

  it.each([
    [1, 1],
    [1, 2],
    [1, 8],
    [3, 2],
    [7, 3],
    [20, 2],
  ])('%i images at a time on %i threads', async (batchSize, threads) => {
    const expected = (await scores(20, 1)).runSync(images);
    const predictor = await scores(batchSize, threads);
    expect(predictor.runSync(images)).toEqual(expected);
    expect(await predictor.run(images)).toEqual(expected);
  });

  it('fused and not', async () => {
    const backend = await loadBackend();
    const options = { inputShape: SHAPE, batchSize: 1, backend };
    const fused = new Predictor(network(), options).runSync(images);
    const plain = new Predictor(network(), { ...options, fusion: false }).runSync(images);
    expect(plain).toEqual(fused);
  });
});
