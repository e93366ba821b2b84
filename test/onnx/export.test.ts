import { describe, expect, test } from 'vitest';
import { Flatten, Linear, Module, Predictor, Sequential, ShapeError } from '../../src/index.node.js';
import { decodeMessage } from '../../src/io/protobuf.js';
import { exportOnnx, type ExportOnnxOptions } from '../../src/onnx/index.js';
import { OP_WRITERS } from '../../src/onnx/export-ops.js';
import { MODEL, type ModelProto } from '../../src/onnx/proto.js';
import { OPS } from '../../src/worker/registry.js';
import { CASES, drawn, floats, sizeOf } from './models.js';
import { runOnnx } from './runtime.js';

const read = (file: Uint8Array) => decodeMessage<ModelProto>(MODEL, file, (reason) => new Error(reason));

/** Largest distance of two lists of numbers, relative to the larger of 1 and what the second holds. */
function distance(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - b[i]!) / Math.max(1, Math.abs(b[i]!))),
    0,
  );
}

test('every op that a model can record can be exported', () => {
  expect([...OP_WRITERS.keys()].sort()).toEqual(OPS.map(({ name }) => name).sort());
});

describe.each(CASES)('$name', (one) => {
  const { shape } = one;

  test.each([1, 7])('says to onnxruntime what it says here, batch %i', async (batch) => {
    const model = drawn(one);
    const images = floats(batch * sizeOf(shape));
    const predictor = new Predictor(model, { inputShape: shape });
    const file = exportOnnx(model, { inputShape: shape });
    const { data, dims, names } = await runOnnx(file, images, [batch, ...shape]);
    expect(dims).toEqual([batch, ...predictor.outputShape]);
    expect(names).toEqual(['input', 'output']);
    expect(distance(predictor.runSync(images), data)).toBeLessThan(1e-5);
  });

  test('has its weights under the names of the state dict', () => {
    const model = drawn(one);
    const { initializer } = read(exportOnnx(model, { inputShape: shape })).graph!;
    const state = model.stateDict();
    const expected = [...state].filter(([key]) => !key.endsWith('num_batches_tracked'));
    for (const [key, { shape: dims, data }] of expected) {
      const found = initializer.find(({ name }) => name === key)!;
      expect(found.dims).toEqual(dims);
      expect(new Uint8Array(found.raw_data!)).toEqual(new Uint8Array(data.buffer));
    }
  });
});

test('bytes are scaled in the file, and scores made probabilities, where asked for', async () => {
  const one = CASES[0]!;
  const model = drawn(one);
  const images = Uint8Array.from(floats(3 * 784), (value) => Math.abs(value) * 255);
  const options = { uint8Input: true, softmax: true, inputName: 'pixels', outputName: 'classes' };
  const file = exportOnnx(model, { inputShape: one.shape, ...options });
  const { data, names } = await runOnnx(file, images, [3, 1, 28, 28]);
  expect(names).toEqual(['pixels', 'classes']);
  const scores = new Predictor(model, { inputShape: one.shape }).runSync(images);
  for (let n = 0; n < 3; n++) {
    const own = scores.subarray(10 * n, 10 * (n + 1));
    const row = own.map((score) => Math.exp(score - Math.max(...own)));
    const sum = row.reduce((total, value) => total + value, 0);
    expect(
      distance(
        row.map((value) => value / sum),
        data.subarray(10 * n, 10 * (n + 1)),
      ),
    ).toBeLessThan(1e-5);
  }
});

test('names of modules and of input and output do not meet', async () => {
  class Net extends Module {
    input = new Linear(3, 3);
    output = new Linear(3, 2);
    forward: Module['forward'] = (x) => this.output.forward(this.input.forward(x));
  }
  const model = new Net();
  const { data } = await runOnnx(exportOnnx(model, { inputShape: [3] }), floats(3), [1, 3]);
  expect(distance(new Predictor(model, { inputShape: [3] }).runSync(floats(3)), data)).toBeLessThan(1e-5);
});

test('what cannot be exported is said', () => {
  const model = new Sequential(new Flatten(), new Linear(12, 2));
  const refused = (options: object, message: RegExp) =>
    expect(() => exportOnnx(model, options as ExportOnnxOptions)).toThrow(message);
  expect(() => exportOnnx(model, { inputShape: [3, 2, 3] })).toThrow(ShapeError);
  refused({ inputShape: [12], opset: 9 }, /unknown option 'opset'/);
  refused({ inputShape: [12], uint8Input: 1 }, /uint8Input must be true or false/);
  refused({ inputShape: [12], inputName: 'output' }, /input and output are both output/);
  expect(() => exportOnnx({} as Module, { inputShape: [1] })).toThrow(/expected a model/);
  expect(() => exportOnnx(new Sequential(), { inputShape: [3, 2, 2], softmax: true })).toThrow(
    /softmax needs one score a class but the model gives 3x2x2/,
  );
});
