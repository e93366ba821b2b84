import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

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
  import { Flatten, Linear, load, predict, Sequential } from 'twill';
  const model = new Sequential(new Flatten(), new Linear(784, 10));
  load(model, 'model.safetensors').then(() => predict(model, globalThis.images));`;

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

  it('is less than 125 kB with a WebAssembly module, of which a page fetches one', async () => {
    const { bytes } = await bundle(TRAIN);
    const folder = fileURLToPath(new URL('../../dist/wasm/', import.meta.url));
    const modules = readdirSync(folder).filter((name) => name.endsWith('.wasm'));
    expect(modules).toHaveLength(4);
    for (const name of modules) {
      const module = gzipSync(readFileSync(folder + name), { level: 9 });
      expect(bytes + module.length, name).toBeLessThan(125_000);
    }
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
