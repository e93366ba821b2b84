import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Dataset, DataLoader, ImageDataset } from '../src/data/index.node.js';
import {
  AdaptiveAvgPool2d,
  AvgPool2d,
  Conv2d,
  ConvTranspose2d,
  CrossEntropyLoss,
  fit,
  Flatten,
  GroupNorm,
  LayerNorm,
  loadBackend,
  Module,
  OptionError,
  Optimizer,
  ReflectionPad2d,
  SGD,
  type SymbolicTensor,
  Unflatten,
} from '../src/index.node.js';
import { TrainingWorker } from '../src/worker/index.node.js';
import { LOSSES, OPS, OPTIMIZERS } from '../src/worker/registry.js';
import { bars, weightsOf } from './support.js';
import { Net, options } from './worker-model.js';

const train = bars(230);

/** Every layer over space and channels, with attributes that are not the defaults. */
class Spatial extends Module {
  readonly pad = new ReflectionPad2d([1, 2, 0, 1]);
  readonly conv = new Conv2d(1, 6, 2);
  readonly norm = new GroupNorm(3, 6, { eps: 1e-3 });
  readonly pool = new AvgPool2d(3, { stride: 2, padding: 1, divisorOverride: 7 });
  readonly larger = new ConvTranspose2d(6, 4, 3, { stride: 2, outputPadding: 1, groups: 2 });
  readonly shared = new AdaptiveAvgPool2d([2, null]);
  readonly layer = new LayerNorm([4, 2, 12]);
  readonly unflatten = new Unflatten(1, [6, 4, -1]);
  readonly flatten = new Flatten();
  readonly all = new AdaptiveAvgPool2d(1);

  forward(x: SymbolicTensor): SymbolicTensor {
    const pooled = this.pool.forward(this.norm.forward(this.conv.forward(this.pad.forward(x))));
    const image = this.layer.forward(this.shared.forward(this.larger.forward(pooled)));
    const joined = image.concat(image.reshape([4, 2, -1]));
    return this.flatten.forward(
      this.all.forward(this.unflatten.forward(joined.reshape([-1])).reshape([4, 6, 8])),
    );
  }
}

describe('what travels', () => {
  let worker: TrainingWorker;
  beforeAll(async () => {
    worker = await TrainingWorker.start({ backend: 'wasm' });
  });
  afterAll(() => worker.terminate());

  it('a data set once, whoever made it', async () => {
    let copied = 0;
    const counted: Dataset = {
      length: train.length,
      shape: train.shape,
      dtype: train.dtype,
      copy(indices, images, labels) {
        copied += indices.length;
        train.copy(indices, images, labels);
      },
    };
    const [a, b] = [new Net(), new Net()];
    for (const _ of [1, 2]) await worker.fit(a, counted, { ...options(), validation: counted }).finish();
    await worker.evaluate(a, counted);
    expect(copied).toBe(train.length);
    for (const _ of [1, 2]) await worker.fit(b, train, options()).finish();
    expect(weightsOf(a)).toEqual(weightsOf(b));
  });

  it('nothing of a data set in shared memory: both sides see it', async () => {
    const share = <T extends Uint8Array | Float32Array>(values: T): T => {
      const Type = values.constructor as new (from: SharedArrayBuffer) => T;
      const shared = new Type(new SharedArrayBuffer(values.byteLength));
      shared.set(values);
      return shared;
    };
    const images = share(Float32Array.from(train.images as Uint8Array, (value) => value / 255));
    const shared = new ImageDataset({
      images,
      labels: share(train.labels as Uint8Array),
      shape: train.shape,
    });
    const model = new Net();
    const { predictions } = await worker.evaluate(model, shared);
    expect((await worker.predict(model, shared)).classes).toEqual(predictions);
    for (let n = 0; n < shared.length; n++) shared.labels[n] = predictions[n]!;
    expect((await worker.evaluate(model, shared)).accuracy).toBe(1);
    // Labels of its own are copied.
    const half = new ImageDataset({ images, labels: Uint8Array.from(predictions), shape: train.shape });
    expect((await worker.evaluate(model, half)).accuracy).toBe(1);
    images.fill(0);
    const { predictions: dark } = await worker.evaluate(model, half);
    expect(new Set(dark).size).toBe(1);
    expect(half.labels.length).toBe(230);
  });

  it('layers over space and channels, with what they were told', async () => {
    const [here, there] = [new Spatial(), new Spatial()];
    there.loadStateDict(here.stateDict());
    const config = { epochs: 1, batchSize: 50, shuffle: false };
    const fitted = { ...config, optimizer: new SGD({ lr: 0.1 }) };
    await worker.fit(there, train, fitted).finish();
    const backend = await loadBackend({ backend: 'wasm' });
    await fit(here, train, { ...config, optimizer: new SGD({ lr: 0.1 }), backend }).finish();
    expect(weightsOf(there)).toEqual(weightsOf(here));
  });

  it('copies of everything else: what is given stays whole', async () => {
    const images = Buffer.from(train.images.subarray(0, 640));
    const labels = train.labels.slice(0, 10);
    const model = new Net();
    const trainer = worker.trainer(model, { inputShape: train.shape, optimizer: new SGD({ lr: 0.1 }) });
    const first = await trainer.step(images, labels);
    expect([images.length, labels.length]).toEqual([640, 10]);
    const predicted = await worker.predict(model, { images, shape: train.shape });
    const again = worker.trainer(model, { inputShape: train.shape, optimizer: new SGD({ lr: 0.1 }) });
    const running = again.step(images, labels);
    images.fill(0);
    labels.fill(0);
    expect(await running).toEqual(first);
    expect(predicted.classes.length).toBe(10);
  });

  it('no optimizer, loss or loader whose code the worker does not have', () => {
    class Mine extends SGD {}
    class Other extends DataLoader {}
    class Loss extends CrossEntropyLoss {}
    const refused = (train_: Dataset | DataLoader, more: object) => () =>
      worker.fit(new Net(), train_, { optimizer: new SGD(), ...more });
    expect(refused(train, { optimizer: new Mine() })).toThrow(
      'optimizer must be one that a worker knows (Adam, AdamW, RMSprop, SGD) but is a value of type Mine',
    );
    expect(refused(train, { loss: new Loss() })).toThrow('MSELoss, NLLLoss) but is a value of type Loss');
    expect(refused(train, { optimizer: undefined })).toThrow(OptionError);
    expect(refused(new Other(train), {})).toThrow('use a DataLoader itself');
    expect(refused(train, { backend: worker })).toThrow("unknown option 'backend'");
    expect(refused(train, { epochs: 1.5 })).toThrow(OptionError);
    expect(() => worker.predictor({} as never, { inputShape: train.shape })).toThrow('expected a model');
  });

  it('every op, optimizer and loss of the library', async () => {
    const exported = async (folder: string) => {
      const names = await readdir(new URL(`../src/${folder}/`, import.meta.url));
      const modules = await Promise.all(
        names.map(
          (name) => import(/* @vite-ignore */ new URL(`../src/${folder}/${name}`, import.meta.url).href),
        ),
      );
      return modules.flatMap((module) => Object.values(module as object) as unknown[]);
    };
    const has = (value: unknown, ...keys: string[]) =>
      keys.every((key) => typeof (value as Record<string, unknown> | null)?.[key] === 'function');
    // What fusion makes: no model records it.
    const fused = ['conv2d_pool', 'batch_norm_pool'];
    const ops = (await exported('ops')).filter((value) => has(value, 'infer', 'forward', 'backward'));
    const recorded = ops.filter((op) => !fused.includes((op as { name: string }).name));
    expect(new Set(OPS)).toEqual(new Set(recorded));
    const optimizers = (await exported('optim')).filter((value) =>
      has((value as { prototype?: unknown }).prototype, 'emit'),
    );
    expect(new Set([...Object.values(OPTIMIZERS), Optimizer])).toEqual(new Set(optimizers));
    const losses = (await exported('nn')).filter((value) => /^class \w+Loss\b/.test(String(value)));
    expect(new Set(Object.values(LOSSES))).toEqual(new Set(losses));
    for (const [name, Class] of Object.entries({ ...OPTIMIZERS, ...LOSSES })) {
      const one = new Class();
      expect(new Class(one.options as never).options, name).toEqual(one.options);
    }
  });
});
