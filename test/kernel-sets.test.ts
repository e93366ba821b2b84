import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../src/backend/backend.js';
import { KERNEL_SETS, type KernelSet } from '../src/backend/kernel_sets.js';
import { wasmLoaderFrom } from '../src/backend/wasm_loader.js';
import { fileOf } from '../src/backend/wasm_module.js';
import { ImageDataset } from '../src/data/index.node.js';
import { kernelsFor } from '../src/graph/kernels.js';
import {
  Adam,
  AdamW,
  AvgPool2d,
  BackendError,
  BatchNorm2d,
  Conv2d,
  CrossEntropyLoss,
  Dropout,
  evaluate,
  fit,
  Flatten,
  Generator,
  Linear,
  loadBackend,
  LogSoftmax,
  MaxPool2d,
  Module,
  MSELoss,
  type Optimizer,
  OptionError,
  ReLU,
  RMSprop,
  Sequential,
  SGD,
  type SymbolicTensor,
  toBytes,
  Trainer,
  Unflatten,
} from '../src/index.node.js';

/** Of its own instance, from the build: Node's own loader takes the modules that have everything. */
function backendWith(kernels: KernelSet): Promise<Backend> {
  const loader = wasmLoaderFrom({
    compile: async (variant) =>
      new WebAssembly.Module(readFileSync(new URL(`../dist/wasm/${fileOf(variant)}`, import.meta.url))),
    kernelSets: true,
    threads: 'one is enough',
    remedy: 'build it',
  });
  return loader.load({ isa: 'simd128', threads: 1, kernels, fallbacks: [] });
}

let backends: Record<KernelSet, Backend>;
beforeAll(async () => {
  const made = await Promise.all(KERNEL_SETS.map(async (set) => [set, await backendWith(set)] as const));
  backends = Object.fromEntries(made) as Record<KernelSet, Backend>;
});

class Residual extends Module {
  readonly conv: Conv2d;

  constructor(channels: number, generator: Generator) {
    super();
    this.conv = new Conv2d(channels, channels, 3, { padding: 1, generator });
  }

  forward(x: SymbolicTensor): SymbolicTensor {
    return this.conv.forward(x).add(x);
  }
}

/** All that a plain network may have: for images of 2 x 16 x 16, with ten scores. */
function plainModel(): Sequential {
  const generator = new Generator(5);
  return new Sequential(
    new Conv2d(2, 16, 5, { padding: 2, generator }),
    new ReLU(),
    new MaxPool2d(2),
    new Conv2d(16, 18, 3, { padding: 1, stride: [1, 2], groups: 2, generator }),
    new MaxPool2d(3, { stride: 1, padding: 1 }),
    new Residual(18, generator),
    new ReLU(),
    new Flatten(),
    new Dropout(0.25),
    // So many weights that it is cut into panels.
    new Linear(18 * 8 * 4, 64, { generator }),
    new Unflatten(1, [4, 4, 4]),
    new Conv2d(4, 3, 1, { generator }),
    new Flatten(),
    new Linear(48, 10, { generator }),
  );
}

const SHAPE = [2, 16, 16] as const;
const images = (count: number) => {
  const generator = new Generator(9);
  return new ImageDataset({
    images: Uint8Array.from({ length: count * 512 }, () => generator.integer(256)),
    labels: Uint8Array.from({ length: count }, () => generator.integer(10)),
    shape: SHAPE,
  });
};

/** Depthwise; a layer that the small sets lack; minimal filtering. */
const OTHERS: readonly [kernel: string, layer: () => Module][] = [
  ['conv2d_depthwise_forward', () => new Conv2d(2, 2, 3, { groups: 2, padding: 1 })],
  ['winograd_weight', () => new Conv2d(2, 2, 3, { padding: 1, winograd: true })],
  ['batch_norm_statistics', () => new BatchNorm2d(2)],
  ['avg_pool2d_forward', () => new AvgPool2d(2)],
];
const otherModel = (layer: () => Module) => {
  const [before, head] = [new Sequential(layer(), new Flatten()), new Sequential()];
  const features = before.trace(SHAPE).output.shape[0]!;
  return new Sequential(before, head, new Linear(features, 10));
};

describe('a module with fewer kernels', () => {
  it('says which it has', () => {
    expect(backends.predict.info()).toMatchObject({ backend: 'wasm', kernels: 'predict' });
    expect(backends.train.info()).toMatchObject({ kernels: 'train' });
    expect(backends.all.info()).not.toHaveProperty('kernels');
    const names = KERNEL_SETS.map((set) => [...backends[set].kernels.keys()]);
    expect(names[1]).toEqual(expect.arrayContaining(names[0]!));
    expect(names[2]).toEqual(expect.arrayContaining(names[1]!));
    expect(names.map(({ length }) => length)).toEqual(
      names.map(({ length }) => length).toSorted((a, b) => a - b),
    );
  });

  it('teaches a plain network the same bits, and applies it to the same', async () => {
    const train = async (backend: Backend) => {
      const model = plainModel();
      const optimizer = new SGD({ lr: 0.01, momentum: 0.9 });
      const { epochs } = await fit(model, images(150), {
        epochs: 2,
        batchSize: 32,
        optimizer,
        backend,
      }).finish();
      return { model, bytes: toBytes(model), epochs: epochs.map(({ cost, accuracy }) => [cost, accuracy]) };
    };
    const [small, whole] = [await train(backends.train), await train(backends.all)];
    expect(small.bytes).toEqual(whole.bytes);
    expect(small.epochs).toEqual(whole.epochs);
    const evaluations = KERNEL_SETS.map((set) =>
      evaluate(small.model, images(70), { backend: backends[set] }),
    );
    const [predict, ...others] = await Promise.all(evaluations);
    for (const other of others) expect(other).toEqual(predict);
  });

  it.each<[string, () => Optimizer, object]>([
    ['SGD', () => new SGD({ lr: 0.01 }), { clipGradNorm: 1 }],
    ['Adam', () => new Adam({ amsgrad: true }), { clipGradValue: 0.1 }],
    ['AdamW', () => new AdamW(), {}],
    ['RMSprop', () => new RMSprop({ momentum: 0.5, centered: true }), { averaging: { decay: 0.9 } }],
  ])('trains with %s and what goes with it', async (_, optimizer, options) => {
    const set = images(20);
    const losses = [backends.train, backends.all].map(async (backend) => {
      const trainer = new Trainer(plainModel(), {
        inputShape: SHAPE,
        batchSize: 20,
        optimizer: optimizer(),
        loss: new CrossEntropyLoss({ labelSmoothing: 0.1, weight: new Array(10).fill(0.5) }),
        detectAnomaly: true,
        backend,
        ...options,
      });
      const step = () => trainer.step(set.images, set.labels);
      return [await step(), await step(), toBytes(trainer.model)];
    });
    const [small, whole] = await Promise.all(losses);
    expect(small).toEqual(whole);
  });

  it.each(OTHERS)('refuses a model that needs %s, by name, and says what to do', (kernel, layer) => {
    const options = { inputShape: SHAPE, batchSize: 4, optimizer: new SGD(), backend: backends.train };
    const set = images(4);
    const trainer = new Trainer(otherModel(layer), options);
    expect(() => trainer.stepSync(set.images, set.labels)).toThrow(BackendError);
    expect(() => trainer.stepSync(set.images, set.labels)).toThrow(
      `the wasm backend has no kernel ${kernel}, for it was loaded with \`kernels: 'train'\`: load one that has all`,
    );
  });
});

describe('what a model needs', () => {
  const loss = new CrossEntropyLoss();

  it('is little where it is plain', () => {
    const traced = plainModel().trace(SHAPE);
    expect(kernelsFor(traced)).toBe('predict');
    expect(kernelsFor(traced, loss)).toBe('train');
  });

  it.each(OTHERS)('is everything where it has %s', (_, layer) => {
    const traced = otherModel(layer).trace(SHAPE);
    expect(kernelsFor(traced)).toBe('all');
    expect(kernelsFor(traced, loss)).toBe('all');
  });

  it('is everything with another loss', () => {
    expect(kernelsFor(plainModel().trace(SHAPE), new MSELoss())).toBe('all');
    const normalised = new Sequential(new Flatten(), new Linear(512, 10), new LogSoftmax(1));
    expect(kernelsFor(normalised.trace(SHAPE), loss)).toBe('all');
  });

  it('is asked for by a name that there is', async () => {
    const loading = loadBackend({ kernels: 'some' as 'all' });
    await expect(loading).rejects.toThrow(OptionError);
    await expect(loading).rejects.toThrow(/\[loadBackend\] kernels must be .*predict.*train.*all/);
  });

  it('changes nothing where all are there anyway', async () => {
    const backend = await loadBackend({ backend: 'wasm' });
    expect(await loadBackend({ backend: 'wasm', kernels: 'predict' })).toBe(backend);
    expect(backend.info()).not.toHaveProperty('kernels');
  });
});
