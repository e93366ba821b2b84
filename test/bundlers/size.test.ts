import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import type { KernelSet } from '../../src/backend/kernel_sets.js';
import { fileOf, WASM_INSTRUCTION_SETS } from '../../src/backend/wasm_module.js';

/** What esbuild makes of an app's text: bytes after gzip, and the package's modules that are in it. */
async function bundle(contents: string): Promise<{ bytes: number; modules: string[] }> {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL('../../', import.meta.url)) },
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
    metafile: true,
    logLevel: 'error',
  });
  const { inputs } = Object.values(metafile.outputs)[0]!;
  const kept = Object.entries(inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
  return {
    bytes: gzipSync(outputFiles[0]!.contents, { level: 9 }).length,
    modules: kept.map(([path]) => path.replace(/^dist\/|\.js$/g, '')),
  };
}

const TRAIN = `
  import { Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential, SGD, fit } from 'twill';
  import { ImageDataset } from 'twill/data';
  const model = new Sequential(
    new Conv2d(1, 16, 5, { padding: 2 }), new ReLU(), new MaxPool2d(2),
    new Conv2d(16, 32, 5, { padding: 2 }), new ReLU(), new MaxPool2d(2),
    new Flatten(), new Linear(32 * 7 * 7, 10));
  fit(model, new ImageDataset(globalThis.data), { optimizer: new SGD({ lr: 0.1 }) }).finish();`;

const PREDICT = `
  import { Conv2d, Flatten, Linear, load, MaxPool2d, predict, ReLU, Sequential } from 'twill';
  const model = new Sequential(
    new Conv2d(1, 16, 5, { padding: 2 }), new ReLU(), new MaxPool2d(2),
    new Conv2d(16, 32, 5, { padding: 2 }), new ReLU(), new MaxPool2d(2),
    new Flatten(), new Linear(32 * 7 * 7, 10));
  load(model, 'model.safetensors').then(() => predict(model, globalThis.images));`;

/** Layers and an optimizer that a plain network does without. */
const MORE = `
  import {
    AdamW, AvgPool2d, BatchNorm2d, Conv2d, Dropout, fit, Flatten, GELU, Linear, Sequential,
  } from 'twill';
  import { ImageDataset } from 'twill/data';
  const model = new Sequential(
    new Conv2d(1, 16, 5, { padding: 2 }), new BatchNorm2d(16), new GELU(), new AvgPool2d(2),
    new Conv2d(16, 16, 3, { groups: 16 }), new Dropout(0.5), new Flatten(), new Linear(16 * 12 * 12, 10));
  fit(model, new ImageDataset(globalThis.data), { optimizer: new AdamW() }).finish();`;

const FUNCTIONS = `
  import { functional, loadBackend } from 'twill';
  loadBackend().then(() => functional.relu(globalThis.x));`;

describe('what ends in a bundle', () => {
  it('is the library without what the app does not use', async () => {
    const { modules } = await bundle(TRAIN);
    expect(modules).toContain('train/fit');
    // io/safetensors and io/json come with the checkpoints of fit and Trainer.
    const unused =
      /^(worker|cli|report|bench|recipes|onnx|inline)\/|^io\/(?!model$|json$|safetensors)|\.node$|nn\/(functional|eager)$|fashion-mnist|gzip/;
    expect(modules.filter((one) => unused.test(one))).toEqual([]);
  });

  // With the one module that a page fetches for it, as test/browser/kernel-sets.test.ts sees.
  it.each<[string, string, KernelSet, number]>([
    ["applies the article's network", PREDICT, 'predict', 60_000],
    ['trains it', TRAIN, 'train', 92_000],
    ['trains one of other layers', MORE, 'all', 128_000],
  ])('where it %s', async (_, contents, kernels, most) => {
    const { bytes } = await bundle(contents);
    const variants = WASM_INSTRUCTION_SETS.flatMap((isa) =>
      [true, false].map((threads) => ({ isa, threads, kernels })),
    );
    for (const file of variants.map(fileOf)) {
      const module = gzipSync(readFileSync(new URL(`../../dist/wasm/${file}`, import.meta.url)), {
        level: 9,
      });
      expect(bytes + module.length, file).toBeLessThan(most);
    }
  });

  it('is no layer that the app does not have', async () => {
    const { modules } = await bundle(PREDICT);
    expect(modules).toContain('ops/conv2d_pool');
    expect(
      modules.filter((one) =>
        /norm|activation|avg_pool|dropout|transpose2d|optim\/|train\/(fit|trainer)/.test(one),
      ),
    ).toEqual([]);
  });

  it('is less where a model only predicts, and again where there is none', async () => {
    const [train, predict, functions] = await Promise.all([TRAIN, PREDICT, FUNCTIONS].map(bundle));
    expect(predict!.bytes).toBeLessThan(train!.bytes - 1000);
    expect(
      predict!.modules.filter((one) => /^train\/(fit|trainer)|^data\/(loader|dataset)$|^worker/.test(one)),
    ).toEqual([]);
    // `functional` comes whole, with every op.
    expect(functions!.bytes).toBeLessThan(train!.bytes);
    expect(functions!.modules.filter((one) => /^(train|optim|io|worker)\//.test(one))).toEqual([]);
  });

  it('is a loader and nothing else where nothing is used', async () => {
    const { modules } = await bundle(`import 'twill';`);
    expect(
      modules.filter((one) => !/^(backend\/|platform|errors$|options$|index|<stdin>$)/.test(one)),
    ).toEqual([]);
  });
});
