import { describe, expect, test } from 'vitest';
import { importOnnx } from '../../src/onnx/index.js';
import type { AttributeValue } from '../../src/onnx/writer.js';
import { agrees } from './compare.js';
import { drawnConstant, fileOf } from './files.js';
import { ends } from './patterns.js';

// Windows as files say them, each as onnxruntime computes it.

describe('windows', () => {
  const node = (type: string, attributes: Record<string, AttributeValue>, weight?: readonly number[]) =>
    ends((graph, x) =>
      graph.node(type, type, [x, weight && drawnConstant(graph, 'weight', weight)], attributes),
    );

  const UNEVEN: Record<string, AttributeValue>[] = [
    { kernel_shape: [3, 3], strides: [2, 2], pads: [0, 0, 1, 1] },
    { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 0, 0] },
    { kernel_shape: [3, 2], strides: [1, 1], pads: [1, 0, 1, 1] },
    { kernel_shape: [2, 2], strides: [1, 1], pads: [1, 0, 0, 1] },
    { kernel_shape: [4, 4], strides: [1, 2], pads: [1, 1, 2, 2] },
    { kernel_shape: [4, 3], strides: [3, 1], pads: [3, 2, 0, 2] },
    { kernel_shape: [2, 3], strides: [1, 2], auto_pad: 'SAME_UPPER' },
    { kernel_shape: [2, 3], strides: [1, 2], auto_pad: 'SAME_LOWER' },
    { kernel_shape: [5, 2], strides: [2, 3], auto_pad: 'SAME_UPPER' },
  ];

  describe.each(UNEVEN)('%o', (attributes) => {
    test.each([
      [2, 8, 7],
      [2, 7, 8],
    ])('of %ix%ix%i', async (...shape) => {
      const kernel = attributes.kernel_shape as readonly number[];
      await agrees(node('Conv', attributes, [3, 2, ...kernel]), shape);
      await agrees(node('MaxPool', attributes), shape);
      await agrees(node('AveragePool', { ...attributes, count_include_pad: 1 }), shape);
    });
  });

  test.each([...UNEVEN.slice(0, 5), ...UNEVEN.slice(6, 8)])(
    'means that leave uneven pads out, %o',
    async (attributes) => {
      await agrees(node('AveragePool', attributes), [2, 8, 8]);
    },
  );

  test('a mean that no padding of both ends can give is refused', () => {
    const attributes = { kernel_shape: [4, 4], strides: [3, 3], pads: [3, 3, 0, 0] };
    const file = fileOf(node('AveragePool', attributes), { input: [1, 9, 9] });
    expect(() => importOnnx(file)).toThrow(/has the pads 3, 3, 0, 0, which Twill's mean cannot leave out/);
  });

  test('global pools, and means over height or width alone', async () => {
    for (const build of [
      ends((graph, x) => graph.node('pool', 'GlobalMaxPool', [x])),
      ends((graph, x) => graph.node('pool', 'ReduceMax', [x], { axes: [2, 3], keepdims: 0 })),
      ends((graph, x) => graph.node('mean', 'ReduceMean', [x], { axes: [2], keepdims: 1 })),
      ends((graph, x) => graph.node('mean', 'ReduceMean', [x], { axes: [-1], keepdims: 1 })),
      ends((graph, x) => {
        const pool = graph.node('pool', 'GlobalAveragePool', [x]);
        const flat = graph.node('flat', 'Squeeze', [pool, graph.integers('axes', [2, 3])]);
        return graph.node('back', 'Unsqueeze', [flat, graph.integers('more', [2, 3])]);
      }),
    ])
      await agrees(build, [3, 4, 5]);
  });

  test('cuts, and pads of some axes', async () => {
    await agrees(
      ends((graph, x) => {
        const at = (name: string, values: number[]) => graph.integers(name, values);
        const pads = [x, at('pads', [1, 0, 0, 2]), undefined, at('axes', [2, -1])];
        const padded = graph.node('padded', 'Pad', pads);
        const cut = [
          padded,
          at('from', [1, -3]),
          at('to', [2 ** 31, -1]),
          at('where', [2, 3]),
          at('steps', [1, 1]),
        ];
        return graph.node('cut', 'Slice', cut);
      }),
      [2, 4, 5],
      { opset: 18 },
    );
    const strided = fileOf(
      ends((graph, x) => {
        const values = [[0], [9], [2], [2]].map((one, at) => graph.integers(`${at}`, one));
        return graph.node('cut', 'Slice', [x, ...values]);
      }),
    );
    expect(() => importOnnx(strided)).toThrow(/has steps other than 1/);
    const channels = fileOf(
      ends((graph, x) =>
        graph.node('cut', 'Slice', [x, ...[[1], [2], [1]].map((one, at) => graph.integers(`${at}`, one))]),
      ),
      { input: [3, 4, 4] },
    );
    expect(() => importOnnx(channels)).toThrow(/cuts axis 1 of N x 3 x 4 x 4, other than height and width/);
  });

  const TRANSPOSED: Record<string, AttributeValue>[] = [
    { strides: [2, 2], pads: [0, 1, 1, 0] },
    { strides: [2, 2], output_shape: [8, 10] },
    { strides: [2, 2], auto_pad: 'SAME_UPPER', output_shape: [8, 10] },
    { strides: [2, 2], auto_pad: 'SAME_UPPER' },
    { strides: [1, 2], auto_pad: 'SAME_LOWER' },
    { strides: [2, 2], auto_pad: 'VALID', output_padding: [1, 1] },
  ];

  test.each(TRANSPOSED)('a transposed convolution, %o', async (attributes) => {
    await agrees(node('ConvTranspose', attributes, [2, 3, 3, 4]), [2, 4, 5]);
  });
});
