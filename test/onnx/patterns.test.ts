import { describe, expect, test } from 'vitest';
import { FormatError } from '../../src/index.node.js';
import { importOnnx } from '../../src/onnx/index.js';
import type { GraphWriter } from '../../src/onnx/writer.js';
import { agrees, expectNear, outputs } from './compare.js';
import { drawnConstant, fileOf } from './files.js';
import { floats } from './models.js';
import { runOnnx } from './runtime.js';
import { type Builder, by, ends, scalar, turned } from './patterns.js';

// What files spell out in several nodes, each as onnxruntime computes it.

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
  'a square': (graph, x) => graph.node('square', 'Mul', [x, x]),
  'functions of one tensor, multiplied': (graph, x) => {
    const tanh = graph.node('tanh', 'Tanh', [by(graph, 'Mul', x, 2)]);
    return gate(graph, tanh, graph.node('sigmoid', 'Sigmoid', [by(graph, 'Add', x, 1)]));
  },
  'what changes nothing': (graph, x) => {
    const dropped = graph.node('dropout', 'Dropout', [graph.node('same', 'Identity', [x])]);
    return by(graph, 'Div', graph.node('cast', 'Cast', [by(graph, 'Mul', dropped, 1)], { to: 1 }), 1);
  },
};

/** Eight times the images, so that they go to where these functions bend. */
function eightfold(graph: GraphWriter, x: string): string {
  for (let i = 0; i < 3; i++) x = graph.node('double', 'Add', [x, x]);
  return x;
}

const clip = (graph: GraphWriter, x: string, ...limits: (number | undefined)[]) =>
  graph.node('clip', 'Clip', [x, ...limits.map((one) => (one === undefined ? one : scalar(graph, one)))]);
const sixth = { alpha: { float: 1 / 6 } };

/** Each is one activation. */
const CUT_OFF: Record<string, Builder> = {
  'ReLU6 as PyTorch writes it': (graph, x) => clip(graph, x, 0, 6),
  'ReLU6 as tf2onnx writes it': (graph, x) =>
    graph.node('min', 'Min', [graph.node('max', 'Max', [x, scalar(graph, 0)]), scalar(graph, 6)]),
  'ReLU6 of a ReLU': (graph, x) =>
    clip(graph, graph.node('relu', 'Max', [x, scalar(graph, 0)]), undefined, 6),
  'Hardtanh in the wrong order': (graph, x) => clip(graph, clip(graph, x, undefined, 1), -1),
  'Hardtanh of one limit': (graph, x) => clip(graph, x, undefined, 1.75),
  'Hardtanh between two steps of 1/4': (graph, x) => clip(graph, x, 0.3, 0.45),
  'Hardtanh of float16 for what float32 holds': (graph, x) => clip(graph, x, -65504, 65504),
  Hardswish: (graph, x) => graph.node('hard', 'HardSwish', [x]),
  'Hardswish of a HardSigmoid': (graph, x) => gate(graph, graph.node('hard', 'HardSigmoid', [x], sixth), x),
  'Hardswish as PyTorch writes it': (graph, x) =>
    by(graph, 'Div', gate(graph, x, clip(graph, by(graph, 'Add', x, 3), 0, 6)), 6),
  'Hardswish as Keras writes it': (graph, x) => {
    const cut = clip(graph, by(graph, 'Add', x, 3), 0, 6);
    return gate(graph, by(graph, 'Mul', cut, 0.1666666716337204), x);
  },
  Hardsigmoid: (graph, x) => graph.node('hard', 'HardSigmoid', [x], sixth),
  'Hardsigmoid as arithmetic': (graph, x) => by(graph, 'Div', clip(graph, by(graph, 'Add', x, 3), 0, 6), 6),
  "Keras' hard sigmoid": (graph, x) => graph.node('hard', 'HardSigmoid', [x]),
  "Keras' hard sigmoid as arithmetic": (graph, x) =>
    clip(graph, by(graph, 'Add', by(graph, 'Mul', x, 0.2), 0.5), 0, 1),
  'a hard sigmoid between two steps of 1/4': (graph, x) =>
    graph.node('hard', 'HardSigmoid', [x], { alpha: { float: 16 }, beta: { float: -5 } }),
  ELU: (graph, x) => graph.node('elu', 'Elu', [x], { alpha: { float: 0.7 } }),
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

  test.each(Object.entries(CUT_OFF))('%s', async (_name, build) => {
    const wide: Builder = (graph, x) => build(graph, eightfold(graph, x));
    const model = await agrees(ends(wide), [2, 3, 4]);
    expect([...model.children().values()].length).toBeLessThanOrEqual(1);
    expect(model.stateDict().size).toBe(0);
    await agrees(turned(wide), [2, 3, 4], { last: true });
  });

  test('GELU by a sigmoid is a product', async () => {
    const build: Builder = (graph, x) =>
      gate(graph, x, graph.node('sigmoid', 'Sigmoid', [by(graph, 'Mul', x, 1.702)]));
    await agrees(ends(build), [2, 3, 4]);
    await agrees(turned(build), [2, 3, 4], { last: true });
  });

  test('limits far from where activations bend', async () => {
    const build: Builder = (graph, x) => {
      const most = clip(graph, by(graph, 'Mul', x, 1e6), -65504, 65504);
      return by(graph, 'Div', clip(graph, most, undefined, 50000), 1e6);
    };
    await agrees(ends(build), [2, 3, 4]);
  });

  test('a narrow clip that is scaled is not taken for another', async () => {
    const build: Builder = (graph, x) => {
      const scaled = by(graph, 'Mul', clip(graph, x, 0.01, 0.24), 0.5);
      return clip(graph, by(graph, 'Add', scaled, 0.05), -1, 1);
    };
    await agrees(ends(build), [2, 3, 4]);
  });

  const REFUSED: Record<string, [Builder, RegExp]> = {
    'a hard sigmoid that falls': [
      (graph, x) => graph.node('hard', 'HardSigmoid', [x], { alpha: { float: -0.2 } }),
      /node "hard" \(HardSigmoid\) is the last of nodes that are arithmetic that is no activation/,
    ],
    'a cube': [
      (graph, x) => by(graph, 'Pow', x, 3),
      /\(Pow\) is the last of nodes that are arithmetic that is no activation: Twill has ELU, GELU, Hardsigmoid, /,
    ],
    Mish: [(graph, x) => graph.node('mish', 'Mish', [x]), /is a Mish, which Twill has no op for/],
    'a quotient of two tensors': [
      (graph, x) =>
        graph.node('quotient', 'Div', [x, graph.node('pool', 'MaxPool', [x], { kernel_shape: [1, 1] })]),
      /computes with two tensors, of which Twill has ops only for sum and product/,
    ],
    'a product with one row': [
      (graph, x) => gate(graph, x, graph.node('pool', 'MaxPool', [x], { kernel_shape: [3, 1] })),
      /does not fit: \[mul\] expected two tensors of one shape, or an image .* but got 2x3x4 and 2x1x4/,
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
