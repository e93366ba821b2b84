import { describe, expect, test } from 'vitest';
import { FormatError } from '../../src/index.node.js';
import { importOnnx } from '../../src/onnx/index.js';
import type { AttributeValue, GraphWriter } from '../../src/onnx/writer.js';
import { agrees, expectNear, outputs } from './compare.js';
import { drawnConstant, fileOf } from './files.js';
import { floats } from './models.js';
import { runOnnx } from './runtime.js';

// What files spell out in several nodes, each as onnxruntime computes it.

const scalar = (graph: GraphWriter, value: number, dims: readonly number[] = []) =>
  graph.floats('number', Float32Array.of(value), dims);

type Builder = (graph: GraphWriter, x: string) => string;

const ends = (build: Builder) => (graph: GraphWriter) => graph.end(build(graph, 'x'), 'y');

/** Of images with the channels last, which only a node after it tells. */
const turned = (build: Builder) =>
  ends((graph, x) => {
    const front = graph.node('front', 'Transpose', [build(graph, x)], { perm: [0, 3, 1, 2] });
    return graph.node('back', 'Transpose', [front], { perm: [0, 2, 3, 1] });
  });

/** `x` with one node of arithmetic and a number. */
const by = (graph: GraphWriter, type: string, x: string, value: number) =>
  graph.node(type, type, [x, scalar(graph, value)]);

const gate = (graph: GraphWriter, x: string, factor: string) => graph.node('gate', 'Mul', [x, factor]);

const geluTanh = (graph: GraphWriter, x: string, cube: Builder): string => {
  const inner = graph.node('sum', 'Add', [x, by(graph, 'Mul', cube(graph, x), 0.044715)]);
  const tanh = graph.node('tanh', 'Tanh', [by(graph, 'Mul', inner, Math.sqrt(2 / Math.PI))]);
  return gate(graph, by(graph, 'Mul', x, 0.5), by(graph, 'Add', tanh, 1));
};

const ACTIVATIONS: Record<string, Builder> = {
  'GELU as PyTorch writes it': (graph, x) => {
    const erf = graph.node('erf', 'Erf', [by(graph, 'Div', x, Math.SQRT2)]);
    return by(graph, 'Mul', gate(graph, x, by(graph, 'Add', erf, 1)), 0.5);
  },
  'GELU as TensorFlow writes it': (graph, x) => {
    const erf = graph.node('erf', 'Erf', [by(graph, 'Mul', x, Math.SQRT1_2)]);
    const half = graph.node('half', 'Mul', [scalar(graph, 0.5), x]);
    return gate(graph, graph.node('one', 'Add', [scalar(graph, 1), erf]), half);
  },
  "GELU's tanh form with a power": (graph, x) => geluTanh(graph, x, (g, one) => by(g, 'Pow', one, 3)),
  "GELU's tanh form with products": (graph, x) =>
    geluTanh(graph, x, (g, one) => g.node('cube', 'Mul', [one, g.node('square', 'Mul', [one, one])])),
  SiLU: (graph, x) => gate(graph, graph.node('sigmoid', 'Sigmoid', [x]), x),
  'ReLU as a maximum, and as a clip': (graph, x) => {
    const relu = graph.node('relu', 'Max', [x, scalar(graph, 0)]);
    return graph.node('clip', 'Clip', [by(graph, 'Add', relu, -0.3), scalar(graph, 0)]);
  },
  'LeakyReLU as a maximum': (graph, x) => graph.node('leaky', 'Max', [by(graph, 'Mul', x, 0.125), x]),
  'scaled activations of scaled activations': (graph, x) => {
    const tanh = by(graph, 'Mul', graph.node('tanh', 'Tanh', [by(graph, 'Add', x, 0.25)]), -1.5);
    const relu = graph.node('relu', 'LeakyRelu', [tanh], { alpha: { float: 0.2 } });
    return graph.node('negative', 'Neg', [by(graph, 'Sub', relu, 0.125)]);
  },
  'an activation of one that is read twice': (graph, x) => {
    const sigmoid = graph.node('sigmoid', 'Sigmoid', [x]);
    const silu = graph.node('silu', 'Mul', [sigmoid, x]);
    return graph.node('again', 'Mul', [silu, graph.node('second', 'Sigmoid', [silu])]);
  },
  'x and functions of it, added': (graph, x) => {
    const sum = graph.node('sum', 'Add', [x, graph.node('tanh', 'Tanh', [x])]);
    return graph.node('more', 'Add', [sum, graph.node('sigmoid', 'Sigmoid', [x])]);
  },
  'what changes nothing': (graph, x) => {
    const dropped = graph.node('dropout', 'Dropout', [graph.node('same', 'Identity', [x])]);
    return by(graph, 'Div', graph.node('cast', 'Cast', [by(graph, 'Mul', dropped, 1)], { to: 1 }), 1);
  },
};

describe('arithmetic', () => {
  test.each(Object.entries(ACTIVATIONS))('%s', async (_name, build) => {
    await agrees(ends(build), [2, 3, 4]);
    await agrees(
      ends((graph, x) => build(graph, graph.node('flat', 'Flatten', [x]))),
      [2, 3, 4],
    );
    await agrees(turned(build), [2, 3, 4], { last: true });
  });

  const REFUSED: Record<string, [Builder, RegExp]> = {
    ReLU6: [
      (graph, x) => graph.node('clip', 'Clip', [x, scalar(graph, 0), scalar(graph, 6)]),
      /node "clip" \(Clip\) is the last of nodes that are a ReLU6: Twill has GELU, LeakyReLU, ReLU, /,
    ],
    Hardswish: [
      (graph, x) => {
        const clip = graph.node('clip', 'Clip', [by(graph, 'Add', x, 3), scalar(graph, 0), scalar(graph, 6)]);
        return gate(graph, x, by(graph, 'Div', clip, 6));
      },
      /\(Mul\) is the last of nodes that are a Hardswish/,
    ],
    'GELU by a sigmoid': [
      (graph, x) => gate(graph, x, graph.node('sigmoid', 'Sigmoid', [by(graph, 'Mul', x, 1.702)])),
      /are a GELU approximated by a sigmoid/,
    ],
    'a square': [
      (graph, x) => graph.node('square', 'Mul', [x, x]),
      /\(Mul\) is the last of nodes that are arithmetic that is no activation/,
    ],
    HardSwish: [
      (graph, x) => graph.node('hard', 'HardSwish', [x]),
      /is a HardSwish, which Twill has no op for/,
    ],
    'a product of two tensors': [
      (graph, x) =>
        graph.node('product', 'Mul', [x, graph.node('conv', 'MaxPool', [x], { kernel_shape: [1, 1] })]),
      /computes with two tensors, of which Twill has an op only for the sum/,
    ],
    'a constant for every pixel': [
      (graph, x) => graph.node('add', 'Add', [x, drawnConstant(graph, 'places', [3, 4])]),
      /has a constant of 3x4 beside a tensor of N x 2x3x4/,
    ],
  };

  test.each(Object.entries(REFUSED))('%s is refused by name', (_name, [build, message]) => {
    const file = fileOf(ends(build), { input: [2, 3, 4] });
    expect(() => importOnnx(file)).toThrow(FormatError);
    expect(() => importOnnx(file)).toThrow(message);
  });

  test('a long chain is read, or refused, in no more room than another', () => {
    const chain = (type: string, value: number) =>
      fileOf(
        ends((graph, x) => {
          const number = scalar(graph, value);
          for (let i = 0; i < 3000; i++) x = graph.node(`link${i}`, type, [x, number]);
          return x;
        }),
      );
    expect(() => importOnnx(chain('Mul', 1))).not.toThrow();
    expect(() => importOnnx(chain('Pow', 3))).toThrow(/no activation/);
  });
});

describe('constants of channels', () => {
  const conv = (graph: GraphWriter, x: string, channels = 4) =>
    graph.node('conv', 'Conv', [x, drawnConstant(graph, 'conv.weight', [channels, 2, 3, 3])]);

  test('scale and shift the convolution, product or normalisation before them', async () => {
    const model = await agrees(
      ends((graph, x) => {
        const scaled = graph.node('scaled', 'Mul', [
          conv(graph, x),
          drawnConstant(graph, 'scale', [1, 4, 1, 1]),
        ]);
        const shifted = graph.node('shifted', 'Add', [drawnConstant(graph, 'shift', [4, 1, 1]), scaled]);
        const less = graph.node('less', 'Sub', [shifted, drawnConstant(graph, 'mean', [4, 1, 1])]);
        const relu = graph.node('relu', 'Relu', [by(graph, 'Div', less, 0.5)]);
        const flat = graph.node('flat', 'Flatten', [relu]);
        const dense = graph.node('dense', 'MatMul', [flat, drawnConstant(graph, 'dense/kernel', [24, 5])]);
        return graph.node('half', 'Mul', [dense, drawnConstant(graph, 'five', [5])]);
      }),
      [2, 4, 5],
    );
    expect([...model.stateDict().keys()]).toEqual(['conv.weight', 'conv.bias', 'dense.weight', 'dense.bias']);
  });

  test('become a convolution that does not learn where something else reads what is before them', async () => {
    const model = await agrees(
      ends((graph, x) => {
        const made = conv(graph, x);
        const scaled = graph.node('scaled', 'Mul', [made, drawnConstant(graph, 'scale', [4, 1, 1])]);
        return graph.node('sum', 'Add', [made, scaled]);
      }),
      [2, 4, 5],
    );
    const learning = [...model.namedParameters()].filter(([, { requiresGrad }]) => requiresGrad);
    expect(learning.map(([name]) => name)).toEqual(['conv.weight']);
  });

  test.each([
    ['of images', false],
    ['of images with the channels last', true],
  ])('before everything: mean and deviation %s', async (_name, last) => {
    const dims = last ? [1, 1, 3] : [1, 3, 1, 1];
    await agrees(
      (last ? turned : ends)((graph, x) => {
        const less = graph.node('less', 'Sub', [x, drawnConstant(graph, 'mean', dims)]);
        const mixed = graph.node('even', 'Div', [
          less,
          graph.floats('std', Float32Array.of(0.5, 0.25, 2), dims),
        ]);
        return graph.node('from', 'Sub', [drawnConstant(graph, 'top', dims), mixed]);
      }),
      [3, 4, 2],
      { last },
    );
  });

  test('bytes that are scaled otherwise than by 1/255', async () => {
    const file = fileOf(
      ends((graph, x) => {
        const cast = graph.node('cast', 'Cast', [x], { to: 1 });
        const even = by(graph, 'Sub', by(graph, 'Div', cast, 127.5), 1);
        return graph.node('conv', 'Conv', [even, drawnConstant(graph, 'weight', [1, 2, 2, 2])]);
      }),
      { input: [2, 3, 4], type: 2 },
    );
    const bytes = Uint8Array.from(floats(24), (value) => 255 * Math.abs(value));
    expectNear(outputs(importOnnx(file), [2, 3, 4], bytes), (await runOnnx(file, bytes, [1, 2, 3, 4])).data);
  });
});

describe('normalisations', () => {
  const spelt = (graph: GraphWriter, x: string, axes: readonly number[], square: Builder): string => {
    const mean = (of: string) => graph.node('mean', 'ReduceMean', [of], { axes, keepdims: 1 });
    const centred = graph.node('centred', 'Sub', [x, mean(x)]);
    const variance = by(graph, 'Add', mean(square(graph, centred)), 0.01);
    return graph.node('even', 'Div', [centred, graph.node('root', 'Sqrt', [variance])]);
  };

  test('a layer normalisation that is spelt out, of images and of features', async () => {
    const model = await agrees(
      ends((graph, x) => {
        const first = spelt(graph, x, [1, 2, 3], (g, one) => by(g, 'Pow', one, 2));
        const scaled = graph.node('scaled', 'Mul', [first, drawnConstant(graph, 'norm.weight', [2, 3, 4])]);
        const flat = graph.node('flat', 'Flatten', [scaled]);
        const second = spelt(graph, flat, [-1], (g, one) => g.node('square', 'Mul', [one, one]));
        return graph.node('shifted', 'Add', [second, drawnConstant(graph, 'b', [24])]);
      }),
      [2, 3, 4],
    );
    expect([...model.stateDict().values()].map(({ shape }) => shape.join('x'))).toEqual([
      ...['2x3x4', '2x3x4'],
      ...['24', '24'],
    ]);
  });

  test('over other axes it is refused', () => {
    const file = fileOf(ends((graph, x) => spelt(graph, x, [1], (g, one) => by(g, 'Pow', one, 2))));
    expect(() => importOnnx(file)).toThrow(/goes over the axes 1 of N x 1x4x4, not over height and width/);
    const used = fileOf(
      ends((graph, x) => {
        const mean = graph.node('mean', 'ReduceMean', [x], { axes: [1, 2, 3] });
        return graph.node('relu', 'Sub', [mean, x]);
      }),
    );
    expect(() => importOnnx(used)).toThrow(/uses the mean of images other than to normalise them/);
  });

  const grouped = (graph: GraphWriter, x: string, back: readonly number[]) => {
    const groups = graph.node('groups', 'Reshape', [x, graph.integers('to', [0, 2, -1])]);
    const [scale, shift] = ['scale', 'shift'].map((name) => drawnConstant(graph, name, [2]));
    const norm = graph.node('norm', 'InstanceNormalization', [groups, scale, shift], {
      epsilon: { float: 0.1 },
    });
    return graph.node('back', 'Reshape', [norm, graph.integers('from', back)]);
  };

  test('a group normalisation through an instance normalisation', async () => {
    await agrees(
      ends((graph, x) => {
        const scaled = graph.node('scaled', 'Mul', [
          grouped(graph, x, [0, 4, 3, 2]),
          drawnConstant(graph, 'w', [4, 1, 1]),
        ]);
        return graph.node('shifted', 'Add', [scaled, drawnConstant(graph, 'b', [4, 1, 1])]);
      }),
      [4, 3, 2],
    );
    const other = fileOf(
      ends((graph, x) => grouped(graph, x, [0, 2, 6, 2])),
      { input: [4, 3, 2] },
    );
    expect(() => importOnnx(other)).toThrow(/makes 2x6x2 of grouped channels of images of 4x3x2/);
    const used = fileOf(
      ends((graph, x) =>
        graph.node('relu', 'Relu', [graph.node('r', 'Reshape', [x, graph.integers('to', [0, 2, -1])])]),
      ),
      { input: [4, 3, 2] },
    );
    expect(() => importOnnx(used)).toThrow(/needs a tensor|in groups/);
  });

  test('GroupNormalization of opset 18, whose weights are one a group', async () => {
    const build = (size: number) =>
      ends((graph, x) =>
        graph.node(
          'norm',
          'GroupNormalization',
          [x, drawnConstant(graph, 'w', [size]), drawnConstant(graph, 'b', [size])],
          {
            num_groups: 2,
          },
        ),
      );
    await agrees(build(2), [4, 3, 2], { opset: 18 });
    await agrees(build(4), [4, 3, 2], { opset: 21 });
  });
});

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

test('weights that are turned and reshaped before they are used', async () => {
  await agrees(
    ends((graph, x) => {
      const weight = graph.node('turned', 'Transpose', [drawnConstant(graph, 'dense.weight', [5, 6])], {
        perm: [1, 0],
      });
      const dense = graph.node('dense', 'MatMul', [graph.node('flat', 'Flatten', [x]), weight]);
      const bias = graph.node('bias', 'Reshape', [
        drawnConstant(graph, 'b', [5, 1]),
        graph.integers('to', [-1]),
      ]);
      return graph.node('biased', 'Add', [dense, bias]);
    }),
    [1, 2, 3],
  );
});
