import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ImageDataset } from '../src/data/index.node.js';
import {
  BatchNorm2d,
  Conv2d,
  Dropout,
  Flatten,
  Generator,
  Linear,
  MaxPool2d,
  Module,
  ReLU,
  Sequential,
  type SymbolicTensor,
} from '../src/index.node.js';

/** Images of `classes` kinds that a small network can tell apart: a bright bar at a height of its own, on noise. */
export function bars(count: number, { classes = 4, size = 8, seed = 1 } = {}): ImageDataset {
  const generator = new Generator(seed);
  const images = new Uint8Array(count * size * size);
  const labels = Uint8Array.from({ length: count }, () => generator.integer(classes));
  labels.forEach((label, n) => {
    const row = Math.floor(((label + 0.5) * size) / classes);
    for (let at = 0; at < size * size; at++) {
      const bright = Math.floor(at / size) === row ? 160 : 0;
      images[n * size * size + at] = bright + generator.integer(90);
    }
  });
  return new ImageDataset({ images, labels, shape: [1, size, size] });
}

/** A small classifier for `bars`, with all that has a state of its own where `stateful` says so. */
export function classifier(seed = 1, { channels = 6, stateful = false } = {}): Module {
  const generator = new Generator(seed);
  return new Sequential(
    new Conv2d(1, channels, 3, { padding: 1, generator }),
    ...(stateful ? [new BatchNorm2d(channels)] : []),
    new ReLU(),
    new MaxPool2d(2),
    new Flatten(),
    ...(stateful ? [new Dropout(0.2)] : []),
    new Linear(channels * 4 * 4, 4, { generator }),
  );
}

/** All parameters of a model, one after another. */
export function weightsOf(model: Module): Float32Array {
  const all = model.parameters().map((parameter) => parameter.read());
  const joined = new Float32Array(all.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const values of all) {
    joined.set(values, offset);
    offset += values.length;
  }
  return joined;
}

/** Writes the four files of a smaller Fashion-MNIST. */
export function writeFashionMnist(directory: string, train: ImageDataset, test: ImageDataset): void {
  mkdirSync(directory, { recursive: true });
  const word = (...values: number[]) =>
    Buffer.from(Uint8Array.from(values.flatMap((v) => [v >> 24, v >> 16, v >> 8, v])));
  const write = (name: string, header: Buffer, bytes: Uint8Array) =>
    writeFileSync(join(directory, `${name}.gz`), gzipSync(Buffer.concat([header, bytes]), { level: 1 }));
  for (const [name, { images, labels, length }] of [
    ['train', train],
    ['t10k', test],
  ] as const) {
    write(`${name}-images-idx3-ubyte`, word(0x803, length, 28, 28), images as Uint8Array);
    write(`${name}-labels-idx1-ubyte`, word(0x801, length), labels as Uint8Array);
  }
}

/** A model without parameters: what `forward` makes of an image. */
export class Applied extends Module {
  readonly forward: (x: SymbolicTensor) => SymbolicTensor;

  constructor(forward: (x: SymbolicTensor) => SymbolicTensor) {
    super();
    this.forward = forward;
  }
}
