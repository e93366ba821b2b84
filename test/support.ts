import { ImageDataset } from '../src/data/index.node.js';
import { Generator, type Module } from '../src/index.node.js';

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
