import { ImageDataset } from '../src/data/index.node.js';
import {
  type Backend,
  Conv2d,
  Flatten,
  Generator,
  Linear,
  MaxPool2d,
  Module,
  ReLU,
  type SymbolicTensor,
} from '../src/index.node.js';

/** The article's network, as PyTorch's numbers name its layers. */
export class ArticleCnn extends Module {
  readonly cnn1 = new Conv2d(1, 16, 5, { padding: 2 });
  readonly relu1 = new ReLU();
  readonly maxpool1 = new MaxPool2d(2);
  readonly cnn2 = new Conv2d(16, 32, 5, { padding: 2 });
  readonly relu2 = new ReLU();
  readonly maxpool2 = new MaxPool2d(2);
  readonly flatten = new Flatten();
  readonly fc1 = new Linear(32 * 7 * 7, 10);

  forward(x: SymbolicTensor): SymbolicTensor {
    const first = this.maxpool1.forward(this.relu1.forward(this.cnn1.forward(x)));
    const second = this.maxpool2.forward(this.relu2.forward(this.cnn2.forward(first)));
    return this.fc1.forward(this.flatten.forward(second));
  }
}

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

export function describeBackend(backend: Backend): string {
  const { backend: name, isa, threads } = backend.info();
  return `${name} (${isa}, ${threads} threads)`;
}
