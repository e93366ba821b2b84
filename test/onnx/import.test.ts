import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Generator, manualSeed } from '../../src/index.node.js';
import { exportOnnx, importOnnx } from '../../src/onnx/index.js';
import { DataType } from '../../src/onnx/proto.js';
import type { GraphWriter } from '../../src/onnx/writer.js';
import { agrees, expectNear, outputs } from './compare.js';
import { drawnConstant, fileOf } from './files.js';
import { CASES, drawn, floats, sizeOf } from './models.js';

describe.each(CASES)('$name, exported and imported', (one) => {
  const { shape } = one;

  test('says the same, to the last bit', () => {
    const model = drawn(one);
    const images = floats(3 * sizeOf(shape));
    const back = importOnnx(exportOnnx(model, { inputShape: shape }));
    expect(outputs(back, shape, images)).toEqual(outputs(model, shape, images));
  });

  test('has its parameters under the same names', () => {
    const model = drawn(one);
    const back = importOnnx(exportOnnx(model, { inputShape: shape }));
    // ONNX has always a weight and a bias for a normalisation, and no names for a module's second use.
    const own = [...model.stateDict().keys()];
    const others = [...back.stateDict().keys()].filter((key) => !own.includes(key));
    expect([...back.stateDict().keys()]).toEqual(expect.arrayContaining(own));
    const allowed = { 'normalisations without weights': 2, 'one module twice': 2 }[one.name] ?? 0;
    expect(others).toHaveLength(allowed);
  });
});

test('a file that takes bytes takes them here, scaled once', () => {
  const one = CASES[0]!;
  const model = drawn(one);
  const images = Uint8Array.from(floats(2 * 784), (value) => Math.abs(value) * 255);
  const back = importOnnx(exportOnnx(model, { inputShape: one.shape, uint8Input: true }));
  expect(outputs(back, one.shape, images)).toEqual(outputs(model, one.shape, images));
});

test('importing draws nothing from the generator of first weights', () => {
  const file = exportOnnx(drawn(CASES[0]!), { inputShape: [1, 28, 28] });
  const draw = (before: () => void) => {
    manualSeed(4);
    before();
    return [...CASES[0]!.make().stateDict().values()][0]!.data;
  };
  expect(draw(() => importOnnx(file))).toEqual(draw(() => {}));
  expect(new Generator(0).uniform(0, 1)).toBeGreaterThan(0);
});

describe('what PyTorch exported', () => {
  const golden = (name: string) => readFileSync(new URL(`../golden/onnx/${name}`, import.meta.url));
  const values = (name: string) => new Float32Array(Uint8Array.from(golden(name)).buffer);

  test.each([
    ['net', [1, 9, 8]],
    ['net-fixed-batch', [1, 9, 8]],
    ['net-opset-9', [1, 9, 8]],
    ['net-unfolded', [1, 9, 8]],
    ['block', [3, 8, 7]],
    ['article', [1, 16, 16]],
    ['residual', [3, 8, 8]],
    ['residual-unfolded', [3, 8, 8]],
    ['separable', [3, 9, 8]],
    ['gated', [2, 6, 5]],
    ['gated-opset-17', [2, 6, 5]],
    ['gated-unfolded', [2, 6, 5]],
    ['hard', [2, 6, 5]],
    ['hard-opset-9', [2, 6, 5]],
    ['windows', [2, 8, 8]],
  ])('%s says what PyTorch says', (name, shape) => {
    const model = importOnnx(new Uint8Array(golden(`${name}.onnx`)), { name });
    expectNear(outputs(model, shape, values(`${name}.x.f32`)), values(`${name}.y.f32`));
  });

  test('weights have the names that they have in PyTorch', () => {
    const names = (file: string) => [
      ...importOnnx(new Uint8Array(golden(file)))
        .stateDict()
        .keys(),
    ];
    expect(names('net-unfolded.onnx')).toEqual([
      ...['cnn1.weight', 'cnn1.bias'],
      ...['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked'].map((key) => `bn.${key}`),
      ...['fc1.weight', 'fc1.bias'],
      ...['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked'].map((key) => `norm.${key}`),
      ...['fc2.weight', 'fc2.bias'],
    ]);
    // PyTorch renames what it folds or turns: the nodes still say of which module it was.
    expect(names('net.onnx')).toEqual(expect.arrayContaining(['cnn1.weight', 'norm.weight', 'fc1.weight']));
    expect(names('block.onnx')).toEqual(['stem.weight', 'depthwise.weight', 'depthwise.bias', 'head.weight']);
  });
});

describe('networks as Keras exports them say what they say to onnxruntime', () => {
  const same = (build: (graph: GraphWriter) => void, shape: readonly number[]) =>
    agrees(build, shape, { last: true });

  const convolution = (graph: GraphWriter, x: string, name: string, shape: readonly number[]) => {
    const attributes = { kernel_shape: shape.slice(2), auto_pad: 'SAME_UPPER' };
    return graph.node(name, 'Conv', [x, drawnConstant(graph, `${name}/kernel:0`, shape)], attributes);
  };

  test('transposed, with a flatten of channels last and biases that are added', async () => {
    const model = await same(
      (graph) => {
        const first = graph.node('first', 'Transpose', ['x'], { perm: [0, 3, 1, 2] });
        const conv = convolution(graph, first, 'conv', [4, 3, 3, 3]);
        const bias = drawnConstant(graph, 'conv/bias', [1, 4, 1, 1]);
        const relu = graph.node('relu', 'Relu', [graph.node('biased', 'Add', [conv, bias])]);
        const pool = graph.node('pool', 'MaxPool', [relu], { kernel_shape: [2, 2], strides: [2, 2] });
        const last = graph.node('last', 'Transpose', [pool], { perm: [0, 2, 3, 1] });
        const flat = graph.node('flat', 'Reshape', [last, graph.integers('shape', [-1, 2 * 3 * 4])]);
        const dense = graph.node('dense', 'MatMul', [flat, drawnConstant(graph, 'dense/kernel', [24, 5])]);
        const sum = graph.node('sum', 'Add', [drawnConstant(graph, 'dense/bias', [5]), dense]);
        const top = graph.node('top', 'MatMul', [sum, drawnConstant(graph, 'top/kernel', [5, 2])]);
        graph.end(top, 'y');
      },
      [3, 5, 6],
    );
    expect([...model.stateDict()].map(([name, { shape }]) => [name, shape.join('x')])).toEqual([
      ['conv.weight', '4x3x3x3'],
      ['conv.bias', '4'],
      ['dense.weight', '5x24'],
      ['dense.bias', '5'],
      ['top.weight', '2x5'],
    ]);
  });

  test('with one channel, where transposing is a reshape; normalised features', async () => {
    await same(
      (graph) => {
        const first = graph.node('first', 'Reshape', ['x', graph.integers('shape', [-1, 1, 4, 6])]);
        const conv = convolution(graph, first, 'conv', [2, 1, 3, 3]);
        const last = graph.node('last', 'Transpose', [conv], { perm: [0, 2, 3, 1] });
        const flat = graph.node('flat', 'Flatten', [last]);
        const statistics = ['scale', 'offset', 'mean'].map((name) => drawnConstant(graph, name, [48]));
        const variance = graph.floats('variance', floats(48).map(Math.abs), [48]);
        const norm = graph.node('norm', 'BatchNormalization', [flat, ...statistics, variance], {
          epsilon: { float: 0.01 },
        });
        graph.end(graph.node('dense', 'MatMul', [norm, drawnConstant(graph, 'kernel', [48, 2])]), 'y');
      },
      [1, 4, 6],
    );
  });

  test('SAME_UPPER and SAME_LOWER of an even difference, VALID, and a Gemm that is not turned', async () => {
    for (const mode of ['SAME_UPPER', 'SAME_LOWER', 'VALID']) {
      await same(
        (graph) => {
          const first = graph.node('first', 'Transpose', ['x'], { perm: [0, 3, 1, 2] });
          const pool = graph.node('pool', 'MaxPool', [first], {
            kernel_shape: [3, 3],
            strides: [2, 2],
            auto_pad: mode,
          });
          const flat = graph.node('flat', 'Flatten', [pool]);
          const features = 2 * (mode === 'VALID' ? 2 * 3 : 3 * 4);
          const weight = drawnConstant(graph, 'weight', [features, 2]);
          graph.end(graph.node('dense', 'Gemm', [flat, weight, drawnConstant(graph, 'b', [2])]), 'y');
        },
        [2, 5, 7],
      );
    }
  });
});

test('features, a fixed batch, half floats and data that are not raw', async () => {
  const halves = Uint8Array.from([0x00, 0x3c, 0x00, 0xc0, 0x00, 0x38, 0x00, 0x00]); // 1, -2, 0.5, 0
  const file = fileOf(
    (graph) => {
      graph.initializers.push({ name: 'w', dims: [2, 2], data_type: 10, raw_data: halves });
      graph.initializers.push({ name: 'b', dims: [2], data_type: DataType.float, float_data: [0.25, -1] });
      graph.end(graph.node('dense', 'Gemm', ['x', 'w', 'b'], { transB: 1 }), 'y');
    },
    { input: [2], output: [2] },
  );
  const model = importOnnx(file);
  expect([...outputs(model, [2], Float32Array.of(3, 1))]).toEqual([3 - 2 + 0.25, 1.5 - 1]);
});

test('inputShape is for files that leave the sizes open; others are held to their own', () => {
  const file = fileOf((graph) => graph.end(graph.node('relu', 'Relu', ['x']), 'y'), {
    change: (graph) => ({
      ...graph,
      input: [{ name: 'x', type: { tensor_type: { elem_type: 1, shape: { dim: [{}, {}, {}, {}] } } } }],
    }),
  });
  expect(() => importOnnx(file)).toThrow(/"x" has a size that is open and no number: give inputShape/);
  const model = importOnnx(file, { inputShape: [2, 3, 4] });
  expect(outputs(model, [2, 3, 4], floats(24))).toEqual(floats(24).map((value) => Math.max(0, value)));
  expect(() => outputs(model, [2, 4, 3], floats(24))).toThrow(/was made for images of 2x3x4 but got 2x4x3/);
  for (const inputShape of [[2, 3], [0, 1, 1], '3x3', [1.5]]) {
    expect(() => importOnnx(file, { inputShape: inputShape as number[] })).toThrow(/inputShape must be/);
  }
});
