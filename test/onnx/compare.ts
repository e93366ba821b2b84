import { expect } from 'vitest';
import { type Module, Predictor } from '../../src/index.node.js';
import { importOnnx } from '../../src/onnx/index.js';
import type { GraphWriter } from '../../src/onnx/writer.js';
import { fileOf } from './files.js';
import { floats, sizeOf } from './models.js';
import { runOnnx } from './runtime.js';

export function outputs(
  model: Module,
  shape: readonly number[],
  images: Float32Array | Uint8Array,
): Float32Array {
  using predictor = new Predictor(model, { inputShape: shape });
  return predictor.runSync(images);
}

export function expectNear(actual: Float32Array, expected: Float32Array): void {
  expect(actual.length).toBe(expected.length);
  expected.forEach((value, i) => {
    expect(Math.abs(actual[i]! - value)).toBeLessThan(1e-5 * Math.max(1, Math.abs(value)));
  });
}

/** N x C x H x W as N x H x W x C. */
export function channelsLast(
  images: Float32Array,
  [C, H, W]: readonly [number, number, number],
): Float32Array {
  const turned = new Float32Array(images.length);
  const size = H * W;
  for (let n = 0; n < images.length / (C * size); n++)
    for (let c = 0; c < C; c++)
      for (let at = 0; at < size; at++) turned[(n * size + at) * C + c] = images[(n * C + c) * size + at]!;
  return turned;
}

/**
 * Writes a file, runs it in onnxruntime and as an imported model on two images of `shape`, and expects the same values.
 * @param last the file takes them with the channels last, and so it gives images
 */
export async function agrees(
  build: (graph: GraphWriter) => void,
  shape: readonly number[],
  { last = false, opset = 17 } = {},
): Promise<Module> {
  const [C, H, W] = shape as [number, number, number];
  const input = last ? [H, W, C] : shape;
  const file = fileOf(build, { input, opset });
  const images = floats(2 * sizeOf(shape));
  const { data, dims } = await runOnnx(file, last ? channelsLast(images, [C, H, W]) : images, [2, ...input]);
  const model = importOnnx(file);
  const [, ...given] = dims;
  const actual = outputs(model, shape, images);
  expectNear(
    last && given.length === 3 ? channelsLast(actual, [given[2]!, given[0]!, given[1]!]) : actual,
    data,
  );
  return model;
}
