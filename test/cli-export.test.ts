import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Flatten, Linear, manualSeed, Predictor, save, Sequential } from '../src/index.node.js';
import { exportOnnx } from '../src/onnx/index.js';
import { NormalisedCnn } from '../src/recipes/normalised.js';
import { floats } from './onnx/models.js';
import { runOnnx } from './onnx/runtime.js';
import { twill } from './cli-support.js';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'twill-export-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

test('export writes what onnxruntime reads, of whichever recipe the weights are', async () => {
  manualSeed(1);
  const model = new NormalisedCnn();
  const weights = join(directory, 'model.safetensors');
  const file = join(directory, 'model.onnx');
  await save(model, weights);
  const plain = await twill(['export', '--model', weights, '--onnx', file]);
  expect(plain).toMatchObject({ code: 0, stderr: '' });
  expect(plain.stdout).toMatch(/model\.onnx {2}[\d,]+ bytes, takes N x 1 x 28 x 28 floats, gives scores\n$/);
  const images = floats(2 * 784);
  const { data } = await runOnnx(await readFile(file), images, [2, 1, 28, 28]);
  const own = new Predictor(model, { inputShape: [1, 28, 28] }).runSync(images);
  own.forEach((score, i) => expect(data[i]).toBeCloseTo(score, 4));

  const json = await twill(['export', '--model', weights, '--onnx', file, '--uint8', '--softmax', '--json']);
  expect(JSON.parse(json.stdout)).toMatchObject({ input: 'N x 1 x 28 x 28 bytes', output: 'probabilities' });
  const bytes = new Uint8Array(784).fill(200);
  const probabilities = (await runOnnx(await readFile(file), bytes, [1, 1, 28, 28])).data;
  expect(probabilities.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
});

test('eval, predict and export read an ONNX file where they read weights', async () => {
  const file = join(directory, 'again.onnx');
  await save(new NormalisedCnn(), join(directory, 'again.safetensors'));
  const weights = ['--model', join(directory, 'again.safetensors')];
  expect((await twill(['export', ...weights, '--onnx', file])).code).toBe(0);
  const picture = new URL('fixtures/photo.png', import.meta.url).pathname;
  const of = (model: string[]) => twill(['predict', ...model, '--json', picture]);
  expect(JSON.parse((await of(['--model', file])).stdout)).toEqual(JSON.parse((await of(weights)).stdout));
  const bytes = exportOnnx(new Sequential(new Flatten(), new Linear(784, 3)), { inputShape: [1, 28, 28] });
  await writeFile(file, bytes);
  expect(await of(['--model', file])).toMatchObject({
    code: 1,
    stderr: `twill: ${file} is no network for these images: the model gives 3 and not 10 scores\n`,
  });
  await writeFile(
    file,
    exportOnnx(new Sequential(new Flatten(), new Linear(12, 10)), { inputShape: [3, 2, 2] }),
  );
  expect((await of(['--model', file])).stderr).toMatch(
    /: the model was made for images of 3x2x2 but got 1x28x28\n$/,
  );
  await writeFile(file, 'nothing');
  expect((await of(['--model', file])).stderr).toMatch(/^twill: \[onnx\] .*again\.onnx: /);
});

test('a file that cannot be written is one sentence', async () => {
  const weights = join(directory, 'model.safetensors');
  const { code, stderr } = await twill([
    'export',
    '--model',
    weights,
    '--onnx',
    join(directory, 'no', 'x.onnx'),
  ]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^twill: cannot write .*x\.onnx: no such file or directory\n$/);
});
