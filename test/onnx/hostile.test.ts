import { describe, expect, test } from 'vitest';
import { FormatError, Generator, Predictor, TwillError } from '../../src/index.node.js';
import { exportOnnx, importOnnx } from '../../src/onnx/index.js';
import type { GraphProto, TensorProto } from '../../src/onnx/proto.js';
import type { GraphWriter } from '../../src/onnx/writer.js';
import { drawnConstant, fileOf } from './files.js';
import { CASES, drawn } from './models.js';

/** A FormatError with the file's name, one sentence. */
function refused(file: Uint8Array, message: RegExp): void {
  let error: unknown;
  try {
    importOnnx(file, { name: 'bad.onnx' });
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(FormatError);
  expect((error as Error).message).toMatch(/^\[onnx\] bad\.onnx: [^\n]+$/);
  expect((error as Error).message).toMatch(message);
}

const relu = (graph: GraphWriter) => graph.end(graph.node('relu', 'Relu', ['x']), 'y');

const withTensor = (tensor: Partial<TensorProto>) =>
  fileOf((graph) => {
    graph.initializers.push({ name: 'w', dims: [1, 1, 1, 1], data_type: 1, ...tensor });
    graph.end(graph.node('conv', 'Conv', ['x', 'w']), 'y');
  });

const changed = (change: (graph: GraphProto) => object, build = relu) =>
  fileOf(build, { change: (graph) => ({ ...graph, ...change(graph) }) });

test('an operator that Twill does not have is named, with those that it has', () => {
  const file = fileOf((graph) => graph.end(graph.node('up', 'Resize', ['x'], { mode: 'linear' }), 'y'));
  refused(
    file,
    /node "up" is a Resize, which Twill has no op for; it reads Add, AveragePool, BatchNormalization, /,
  );
  // A name of several lines does not make the message several.
  refused(
    fileOf((graph) => graph.end(graph.node('up', 'Re\n\u0000size', ['x']), 'y')),
    /is a Re size, which/,
  );
  const other = fileOf((graph) => {
    relu(graph);
    graph.nodes[0] = { ...graph.nodes[0]!, domain: 'com.microsoft' };
  });
  refused(other, /is a com\.microsoft\.Relu, which/);
});

test('what the output does not need may be anything', () => {
  const file = fileOf((graph) => {
    graph.node('aside', 'Resize', ['x']);
    relu(graph);
  });
  expect(() => importOnnx(file)).not.toThrow();
});

describe('a tensor', () => {
  test.each([
    [{ data_type: 77, raw_data: new Uint8Array(4) }, /"w" has the data type 77, which is none/],
    [{ data_type: 8, raw_data: new Uint8Array(4) }, /has the data type 8/],
    [{ raw_data: new Uint8Array(3) }, /"w" of 1x1x1x1 \(F32\) takes 4 bytes but has 3/],
    [{}, /takes 4 bytes but has 0/],
    [
      { dims: [2 ** 40, 2 ** 40, 1, 1], raw_data: new Uint8Array(4) },
      /takes more than 2\^53 bytes but has 4/,
    ],
    [{ dims: [-1, 1, 1, 1], raw_data: new Uint8Array(4) }, /has the sizes \[-1, 1, 1, 1\]/],
    [{ dims: new Array(100).fill(1), raw_data: new Uint8Array(4) }, /has the sizes/],
    [{ data_location: 1 }, /"w" lies in another file, which Twill does not open/],
    [{ external_data: [new Uint8Array(2)], raw_data: new Uint8Array(4) }, /lies in another file/],
    [{ dims: [1], raw_data: new Uint8Array(4) }, /has a weight of 1 dimensions and not 4/],
    [{ dims: [0, 1, 1, 1], raw_data: new Uint8Array(0) }, /outChannels must be a whole number/],
    [{ dims: [1, 5, 1, 1], raw_data: new Uint8Array(20) }, /expected 5 input channels .* but got 1/],
  ] as const)('%o is refused', (tensor, message) =>
    refused(withTensor(tensor as Partial<TensorProto>), message),
  );
});

describe('a graph', () => {
  test('without order, with a cycle, with a name twice, without its input', () => {
    refused(
      fileOf((graph) => {
        const back = graph.node('a', 'Add', ['x', 'y']);
        graph.end(graph.node('b', 'Relu', [back]), 'y');
      }),
      /node "a" uses "y", which no node before it gives/,
    );
    refused(
      fileOf((graph) => {
        relu(graph);
        graph.nodes.push(graph.nodes[0]!);
      }),
      /defines "y" twice/,
    );
    refused(
      fileOf((graph) => graph.end(graph.node('r', 'Relu', ['z']), 'y')),
      /uses "z", which no node/,
    );
    refused(
      fileOf((graph) => graph.end(graph.node('r', 'Relu', ['z']), 'w')),
      /"y", which no node|does not depend/,
    );
  });

  test('with no input, two, or one that is no image', () => {
    refused(
      changed(() => ({ input: [] })),
      /has 0 inputs/,
    );
    refused(
      changed(({ input }) => ({ input: [...input, { ...input[0], name: 'z' }] })),
      /2 inputs \("x", "z"\)/,
    );
    refused(
      changed(({ output }) => ({ output: [...output, ...output] })),
      /2 outputs, but Twill's models have one/,
    );
    refused(
      changed(() => ({ input: [{ name: 'x' }] })),
      /data type undefined/,
    );
    refused(fileOf(relu, { type: 7 }), /has the data type 7, and not float32 or uint8/);
    refused(fileOf(relu, { input: [2, 2, 2, 2] }), /has 5 dimensions/);
    refused(fileOf(relu, { input: [2 ** 40, 2, 2] }), /has a size that is 1099511627776/);
    refused(
      fileOf(relu, { type: 2 }),
      /bytes of the images that are not cast to floats first|needs a tensor/,
    );
  });

  test('of an opset that is too old, of none, or no graph at all', () => {
    refused(fileOf(relu, { opset: 6 }), /uses opset 6, but Twill reads 7 and later/);
    refused(new Uint8Array(0), /holds no graph/);
    refused(new TextEncoder().encode('certainly no model, just a text'), /bad\.onnx/);
    expect(() => importOnnx('file' as unknown as Uint8Array)).toThrow(/expected the bytes of a file/);
  });

  test('that makes parameters of one tensor again and again', () => {
    refused(
      fileOf(
        (graph) => {
          const weight = drawnConstant(graph, 'w', [16, 16, 3, 3]);
          let last = 'x';
          for (let i = 0; i < 100; i++)
            last = graph.node('c', 'Conv', [last, weight], { pads: [1, 1, 1, 1] });
          graph.end(last, 'y');
        },
        { input: [16, 4, 4] },
      ),
      /makes parameters of the same tensors again and again/,
    );
  });

  test('with attributes that Twill does not know, or of another kind', () => {
    const pool = (attributes: object) =>
      fileOf((graph) =>
        graph.end(graph.node('p', 'MaxPool', ['x'], { kernel_shape: [2, 2], ...attributes }), 'y'),
      );
    refused(
      pool({ colour: 3 }),
      /node "p" \(MaxPool\) has the attribute "colour", which Twill does not know/,
    );
    refused(pool({ strides: 2 }), /has an attribute strides of type 2 and not 7/);
    refused(pool({ strides: [2] }), /has the strides \[2\], expected 2 whole numbers/);
    refused(pool({ strides: [0, 1] }), /stride must be a whole number/);
    refused(pool({ pads: [0, -1, 0, 0] }), /has the pads 0, -1, 0, 0/);
    refused(pool({ kernel_shape: [9, 9] }), /window reaches over 9x9 pixels/);
    refused(pool({ auto_pad: 'MAYBE' }), /auto_pad MAYBE/);
  });

  test('that reshapes what Twill does not', () => {
    const reshape = (shape: number[]) =>
      fileOf((graph) => graph.end(graph.node('r', 'Reshape', ['x', graph.integers('s', shape)]), 'y'));
    refused(reshape([4, 4]), /makes \(4, 4\) of N x 1x4x4, which changes the number of images/);
    refused(reshape([-1, -1]), /changes the number/);
    refused(reshape([-1, 8]), /changes the number/);
    expect(() => importOnnx(reshape([-1, 16]))).not.toThrow();
    expect(() => importOnnx(reshape([0, -1]))).not.toThrow();
    const turn = fileOf((graph) =>
      graph.end(graph.node('t', 'Transpose', ['x'], { perm: [0, 2, 1, 3] }), 'y'),
    );
    refused(turn, /turns axes around \(0,2,1,3\)/);
  });
});

test('many messages in few bytes are refused before they fill the memory', () => {
  const nodes = 2 ** 19;
  const content = new Uint8Array(2 * nodes);
  for (let i = 0; i < nodes; i++) content[2 * i] = 0x0a;
  const length = [(content.length & 127) | 128, ((content.length >> 7) & 127) | 128, content.length >> 14];
  refused(Uint8Array.from([0x3a, ...length, ...content]), /more than 262144 messages/);
});

/** Whatever the bytes are: a model that can be run, or an error of ours. */
function survives(bytes: Uint8Array): boolean {
  try {
    const model = importOnnx(bytes);
    expect(() => model.trace([1, 28, 28])).not.toThrow(RangeError);
    return true;
  } catch (error) {
    if (!(error instanceof TwillError)) throw error;
    return false;
  }
}

test('truncated anywhere, it is refused', () => {
  const whole = exportOnnx(drawn(CASES[0]!), { inputShape: [1, 28, 28] });
  const generator = new Generator(1);
  for (let run = 0; run < 200; run++)
    expect(survives(whole.subarray(0, generator.integer(whole.length)))).toBe(false);
  // A file in a larger buffer, not aligned.
  const shifted = new Uint8Array(whole.length + 3);
  shifted.set(whole, 3);
  const model = importOnnx(shifted.subarray(3));
  expect(new Predictor(model, { inputShape: [1, 28, 28] }).outputShape).toEqual([10]);
});

test('with bytes changed anywhere, it is read or refused', () => {
  const whole = exportOnnx(drawn(CASES[2]!), { inputShape: [3, 6, 5] });
  const generator = new Generator(2);
  let read = 0;
  for (let run = 0; run < 3000; run++) {
    const bytes = whole.slice();
    for (let n = generator.integer(4); n >= 0; n--)
      bytes[generator.integer(bytes.length)] = generator.integer(256);
    if (survives(bytes)) read++;
  }
  // Most of a file are weights.
  expect(read).toBeGreaterThan(100);
  expect(read).toBeLessThan(2900);
});
