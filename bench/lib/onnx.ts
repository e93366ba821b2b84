import type { StateDict } from 'twill';

/** The article's network as an ONNX file (opset 13): input `x` N x 1 x 28 x 28, output `y` N x 10, N open. */
export function articleOnnx(weights: StateDict): Uint8Array {
  const convolution = [ints('kernel_shape', [5, 5]), ints('pads', [2, 2, 2, 2]), ints('strides', [1, 1])];
  const pool = [ints('kernel_shape', [2, 2]), ints('strides', [2, 2])];
  const nodes = [
    node('Conv', ['x', 'cnn1.weight', 'cnn1.bias'], 'conv1', convolution),
    node('Relu', ['conv1'], 'relu1'),
    node('MaxPool', ['relu1'], 'pool1', pool),
    node('Conv', ['pool1', 'cnn2.weight', 'cnn2.bias'], 'conv2', convolution),
    node('Relu', ['conv2'], 'relu2'),
    node('MaxPool', ['relu2'], 'pool2', pool),
    node('Flatten', ['pool2'], 'flat', [integer('axis', 1)]),
    node('Gemm', ['flat', 'fc1.weight', 'fc1.bias'], 'y', [integer('transB', 1)]),
  ];
  const tensors = [...weights].map(([name, { shape, data }]) => tensor(name, shape, data));
  const graph = message([
    ...nodes.map((one) => bytes(1, one)),
    text(2, 'article'),
    ...tensors.map((one) => bytes(5, one)),
    bytes(11, value('x', ['N', 1, 28, 28])),
    bytes(12, value('y', ['N', 10])),
  ]);
  return message([
    varint(1, 8),
    text(2, 'twill bench'),
    bytes(7, graph),
    bytes(8, message([text(1, ''), varint(2, 13)])),
  ]);
}

// Field numbers are those of onnx.proto. An attribute's type is 2 for an integer and 7 for several.

function node(
  op: string,
  inputs: readonly string[],
  output: string,
  attributes: Uint8Array[] = [],
): Uint8Array {
  return message([
    ...inputs.map((input) => text(1, input)),
    text(2, output),
    text(4, op),
    ...attributes.map((attribute) => bytes(5, attribute)),
  ]);
}

function integer(name: string, one: number): Uint8Array {
  return message([text(1, name), varint(3, one), varint(20, 2)]);
}

function ints(name: string, all: readonly number[]): Uint8Array {
  return message([text(1, name), ...all.map((one) => varint(8, one)), varint(20, 7)]);
}

const FLOAT = 1;

function tensor(name: string, shape: readonly number[], data: Float32Array): Uint8Array {
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return message([...shape.map((size) => varint(1, size)), varint(2, FLOAT), text(8, name), bytes(9, raw)]);
}

function value(name: string, shape: readonly (number | string)[]): Uint8Array {
  const sizes = shape.map((size) => bytes(1, typeof size === 'string' ? text(2, size) : varint(1, size)));
  const type = message([varint(1, FLOAT), bytes(2, message(sizes))]);
  return message([text(1, name), bytes(2, bytes(1, type))]);
}

// Protocol buffers: a message is its fields one after another, each a tag (number, kind) with a varint or with bytes.

function message(fields: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(fields));
}

function varint(field: number, number: number): Uint8Array {
  return Uint8Array.from([...encode(field << 3), ...encode(number)]);
}

function bytes(field: number, content: Uint8Array): Uint8Array {
  return message([Uint8Array.from([...encode((field << 3) | 2), ...encode(content.length)]), content]);
}

function text(field: number, content: string): Uint8Array {
  return bytes(field, new TextEncoder().encode(content));
}

/** Seven bits a byte, the lowest first, the top bit telling that more follow. */
function encode(number: number): number[] {
  return number < 128 ? [number] : [(number & 127) | 128, ...encode(number >>> 7)];
}
