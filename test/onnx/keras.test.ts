import { describe, test } from 'vitest';
import type { GraphWriter } from '../../src/onnx/writer.js';
import { agrees } from './compare.js';
import { drawnConstant } from './files.js';
import { floats } from './models.js';
import { by, ends, scalar } from './patterns.js';

/** As tf2onnx lays out what Keras made: its sources tell, as there is no Keras here to ask. */
describe('Keras', () => {
  const first = (graph: GraphWriter, x: string) =>
    graph.node('first', 'Transpose', [x], { perm: [0, 3, 1, 2] });
  const last = (graph: GraphWriter, x: string) =>
    graph.node('last', 'Transpose', [x], { perm: [0, 2, 3, 1] });
  const kernel = (graph: GraphWriter, name: string, shape: readonly number[]) =>
    drawnConstant(graph, `${name}/Conv2D/ReadVariableOp:0`, shape);

  test('rescaled images, strides that need uneven pads, depthwise, batch norm, global mean, Dense', async () => {
    await agrees(
      ends((graph, x) => {
        const scaled = by(graph, 'Mul', x, 1 / 255);
        const zero = graph.node('shifted', 'Add', [scaled, scalar(graph, -0.5, [1, 1, 1, 1])]);
        const options = { auto_pad: 'SAME_UPPER', strides: [2, 2], kernel_shape: [3, 3], dilations: [1, 1] };
        const conv = graph.node(
          'conv',
          'Conv',
          [first(graph, zero), kernel(graph, 'a', [4, 3, 3, 3])],
          options,
        );
        const statistics = ['scale', 'offset', 'mean'].map((name) => drawnConstant(graph, name, [4]));
        const variance = graph.floats('variance', floats(4).map(Math.abs), [4]);
        const norm = graph.node('norm', 'BatchNormalization', [conv, ...statistics, variance], {
          epsilon: { float: 0.001 },
        });
        const relu = graph.node('relu', 'Relu', [norm]);
        const depthwise = graph.node('depthwise', 'Conv', [relu, kernel(graph, 'b', [4, 1, 3, 3])], {
          ...options,
          group: 4,
        });
        const biased = graph.node('biased', 'Add', [
          last(graph, depthwise),
          drawnConstant(graph, 'bias', [4]),
        ]);
        const mean = graph.node('mean', 'ReduceMean', [biased], { axes: [1, 2], keepdims: 0 });
        const dense = graph.node('dense', 'MatMul', [mean, drawnConstant(graph, 'dense/MatMul', [4, 3])]);
        const scores = graph.node('scores', 'Add', [dense, drawnConstant(graph, 'dense/Bias', [3])]);
        return graph.node('softmax', 'Softmax', [scores], { axis: -1 });
      }),
      [3, 12, 10],
      { last: true },
    );
  });

  test('padded and joined with the channels last, Dense of pixels, pooled and squeezed', async () => {
    await agrees(
      ends((graph, x) => {
        const padded = graph.node('padded', 'Pad', [x, graph.integers('pads', [0, 1, 0, 0, 0, 2, 1, 0])]);
        const conv = graph.node('conv', 'Conv', [first(graph, padded), kernel(graph, 'a', [2, 2, 1, 1])]);
        const back = last(graph, conv);
        const dense = graph.node('dense', 'MatMul', [back, drawnConstant(graph, 'dense/Tensordot', [2, 3])]);
        const biased = graph.node('biased', 'Add', [dense, drawnConstant(graph, 'bias', [3])]);
        const both = graph.node('both', 'Concat', [back, biased], { axis: 3 });
        const pool = graph.node('pool', 'GlobalAveragePool', [first(graph, both)]);
        const flat = graph.node('flat', 'Squeeze', [pool, graph.integers('axes', [2, 3])]);
        return graph.node('scores', 'Gemm', [flat, drawnConstant(graph, 'w', [5, 2])]);
      }),
      [2, 3, 4],
      { last: true },
    );
  });

  const squeezed = (graph: GraphWriter, x: string, excite: (mean: string) => string) => {
    const conv = graph.node('conv', 'Conv', [first(graph, x), kernel(graph, 'a', [6, 2, 1, 1])]);
    const mean = graph.node('mean', 'ReduceMean', [last(graph, conv)], { axes: [1, 2], keepdims: 0 });
    const gate = excite(mean);
    const gated = graph.node('gated', 'Mul', [last(graph, conv), gate]);
    const next = graph.node('next', 'Conv', [first(graph, gated), kernel(graph, 'd', [3, 6, 1, 1])]);
    return graph.node('pool', 'GlobalAveragePool', [next]);
  };
  const toPixel = (graph: GraphWriter, x: string) =>
    graph.node('pixel', 'Reshape', [x, graph.integers('to', [-1, 1, 1, 6])]);

  test('squeeze and excitation by convolutions, as in EfficientNet and MobileNetV3', async () => {
    await agrees(
      ends((graph, x) =>
        squeezed(graph, x, (mean) => {
          const pixel = first(graph, toPixel(graph, mean));
          const less = graph.node('squeeze', 'Conv', [pixel, kernel(graph, 'b', [2, 6, 1, 1])]);
          const relu = graph.node('less', 'Relu', [less]);
          const more = graph.node('more', 'Conv', [relu, kernel(graph, 'c', [6, 2, 1, 1])]);
          return last(graph, graph.node('sigmoid', 'HardSigmoid', [more]));
        }),
      ),
      [2, 5, 4],
      { last: true },
    );
  });

  test('squeeze and excitation by Dense', async () => {
    await agrees(
      ends((graph, x) =>
        squeezed(graph, x, (mean) => {
          const less = graph.node('squeeze', 'MatMul', [mean, drawnConstant(graph, 'b', [6, 2])]);
          const relu = graph.node('less', 'Relu', [less]);
          const more = graph.node('more', 'MatMul', [relu, drawnConstant(graph, 'c', [2, 6])]);
          return toPixel(graph, graph.node('sigmoid', 'Sigmoid', [more]));
        }),
      ),
      [2, 5, 4],
      { last: true },
    );
  });

  test('flattened through a shape that is computed', async () => {
    await agrees(
      ends((graph, x) => {
        const conv = graph.node('conv', 'Conv', [first(graph, x), kernel(graph, 'conv', [2, 1, 3, 3])]);
        const turned = last(graph, conv);
        const shape = graph.node('size', 'Cast', [graph.node('shape', 'Shape', [turned])], { to: 7 });
        const slice = [[0], [1], [0]].map((values, at) => graph.integers(`slice${at}`, values));
        const batch = graph.node('batch', 'Slice', [shape, ...slice]);
        const to = graph.node('to', 'Concat', [batch, graph.integers('rest', [-1])], { axis: 0 });
        const flat = graph.node('flat', 'Reshape', [turned, to]);
        return graph.node('dense', 'MatMul', [flat, drawnConstant(graph, 'kernel', [2 * 2 * 3, 2])]);
      }),
      [1, 4, 5],
      { last: true },
    );
  });

  test('a transposed convolution that is cut to size', async () => {
    await agrees(
      ends((graph, x) => {
        const up = graph.node('up', 'ConvTranspose', [first(graph, x), kernel(graph, 'up', [2, 3, 3, 3])], {
          strides: [2, 2],
          auto_pad: 'VALID',
        });
        const values = [
          [0, 0],
          [6, 8],
          [2, 3],
        ];
        const cut = graph.node('cut', 'Slice', [
          up,
          ...values.map((one, at) => graph.integers(`${at}`, one)),
        ]);
        return graph.node('relu', 'Relu', [last(graph, cut)]);
      }),
      [2, 3, 4],
      { last: true },
    );
  });
});
