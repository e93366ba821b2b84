import { describe, expect, it } from 'vitest';
import { fashionMnist } from '../../src/data/index.node.js';
import { evaluate, fit, fromBytes, SGD, Trainer } from '../../src/index.node.js';
import { expectWithin } from '../reference/closeness.js';
import { type GoldenTensor, goldenFile, goldenFloats, goldenJson } from '../reference/golden.js';
import { ArticleCnn } from '../../src/recipes/article.js';

interface Training {
  lr: number;
  batch: number;
  losses: number[];
  first_epoch: { cost: number; accuracy: number };
}

const golden = goldenJson<Training>('train.json');

/** The article's network with the weights that PyTorch started from. */
function initialised(): ArticleCnn {
  const model = new ArticleCnn();
  fromBytes(model, goldenFile('init.safetensors'), 'init.safetensors');
  return model;
}

describe("the article's training, from PyTorch's weights", () => {
  it('gives the weights of its first step and its first ten losses', async () => {
    const { train } = await fashionMnist();
    const model = initialised();
    const trainer = new Trainer(model, { inputShape: train.shape, optimizer: new SGD({ lr: golden.lr }) });
    const losses: number[] = [];
    for (let step = 0; step < golden.losses.length; step++) {
      const batch = train.subset(step * golden.batch, (step + 1) * golden.batch);
      losses.push((await trainer.step(batch.images, batch.labels)).loss);
      if (step === 0) expectFirstStep(model);
    }
    golden.losses.forEach((theirs, step) => {
      // Training amplifies rounding: from 1e-6 at the first step to 1e-4 at the tenth, evenly in the exponent.
      const bound = 10 ** (-6 + (2 * step) / 9);
      expect(Math.abs(losses[step]! - theirs) / theirs, `loss ${step + 1}`).toBeLessThanOrEqual(bound);
    });
  });

  it('gives the cost and the accuracy of its first epoch', async () => {
    const { train, test } = await fashionMnist();
    const model = initialised();
    const run = fit(model, train, {
      batchSize: golden.batch,
      optimizer: new SGD({ lr: golden.lr }),
      validation: test,
    });
    const [epoch] = (await run.finish()).epochs;
    expect(Math.abs(epoch!.cost / golden.first_epoch.cost - 1)).toBeLessThanOrEqual(0.005);
    expect(Math.abs(epoch!.accuracy - golden.first_epoch.accuracy)).toBeLessThanOrEqual(0.004);
    expect((await evaluate(model, test)).accuracy).toBe(epoch!.accuracy);
  });
});

function expectFirstStep(model: ArticleCnn): void {
  const state = model.stateDict();
  const index = goldenJson<(GoldenTensor & { name: string })[]>('step1/index.json');
  expect([...state.keys()]).toEqual(index.map(({ name }) => name));
  for (const entry of index) {
    const theirs = goldenFloats('step1', entry);
    const largest = theirs.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    // The update is lr times a mean gradient: its rounding is far below one part in a million of the weights.
    expectWithin(state.get(entry.name)!.data, theirs, 1e-6 * largest, entry.name);
  }
}
