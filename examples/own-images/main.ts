// Trains on a folder of PNG files, one folder a class, all of one size:
//
//   photos/cat/1.png, photos/cat/2.png, ..., photos/dog/1.png, ...
//
//   npm run example own-images -- [photos] [--epochs 15] [--out out/own-images.safetensors]
//
// Without a folder it draws one, of discs, squares and crosses, into out/shapes. Every fifth image is kept back to
// test on.

import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { encode } from 'fast-png';
import { Conv2d, evaluate, fit, Flatten, Generator, Linear, manualSeed, MaxPool2d, ReLU } from 'twill';
import { save, Sequential, SGD } from 'twill';
import { ImageDataset, type ImageShape } from 'twill/data';
import { scoreClasses } from 'twill/report';
import { decodeGrey } from '../png.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    epochs: { type: 'string', default: '15' },
    out: { type: 'string', default: 'out/own-images.safetensors' },
  },
});
const folder = positionals[0] ?? (await drawShapes('out/shapes', 100));

/** Every image under `folder`, in the order of their names, with the number of its folder as its label. */
async function readFolder(folder: string) {
  const entries = await readdir(folder, { withFileTypes: true });
  const classes = entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
  if (classes.length < 2) throw new Error(`${folder} has ${classes.length} folders: it takes one a class`);
  const samples: { file: string; label: number; pixels: Uint8Array }[] = [];
  let shape: ImageShape | undefined;
  for (const [label, name] of classes.entries()) {
    const files = (await readdir(join(folder, name))).filter((file) => file.toLowerCase().endsWith('.png'));
    for (const file of files.sort().map((file) => join(folder, name, file))) {
      const { width, height, pixels } = decodeGrey(await readFile(file));
      shape ??= [1, height, width];
      if (height !== shape[1] || width !== shape[2]) {
        throw new Error(`${file} is ${width} x ${height} but those before it ${shape[2]} x ${shape[1]}`);
      }
      samples.push({ file, label, pixels });
    }
  }
  if (!shape) throw new Error(`${folder} holds no PNG files`);
  return { samples, shape, classes };
}

const { samples, shape, classes } = await readFolder(folder);
// The classes come one after the other: shuffled once, so that what is kept back has some of each.
new Generator(1).shuffle(samples);

function dataset(part: typeof samples): ImageDataset {
  const size = shape[1] * shape[2];
  const images = new Uint8Array(part.length * size);
  part.forEach(({ pixels }, n) => images.set(pixels, n * size));
  return new ImageDataset({ images, labels: Int32Array.from(part, ({ label }) => label), shape, classes });
}

const train = dataset(samples.filter((_, n) => n % 5 !== 0));
const test = dataset(samples.filter((_, n) => n % 5 === 0));
console.log(`${train.length} images to train on, ${test.length} to test, ${shape[2]} x ${shape[1]}`);

manualSeed(1);
const [height, width] = [Math.floor(shape[1] / 4), Math.floor(shape[2] / 4)];
const model = new Sequential(
  new Conv2d(1, 16, 3, { padding: 1 }),
  new ReLU(),
  new MaxPool2d(2),
  new Conv2d(16, 16, 3, { padding: 1 }),
  new ReLU(),
  new MaxPool2d(2),
  new Flatten(),
  new Linear(16 * height * width, classes.length),
);
const run = fit(model, train, {
  epochs: Number(values.epochs),
  batchSize: 16,
  shuffle: true,
  optimizer: new SGD({ lr: 0.02, momentum: 0.9 }),
  validation: test,
});
for await (const { epoch, loss, accuracy } of run) {
  console.log(`epoch ${epoch}   loss ${loss.toFixed(4)}   accuracy ${(accuracy * 100).toFixed(1)} %`);
}

const { predictions } = await evaluate(model, test);
for (const [label, { images, correct }] of scoreClasses(
  test.labels,
  predictions,
  classes.length,
).classes.entries()) {
  console.log(`${classes[label]}: ${correct} of ${images}`);
}
await save(model, values.out);
console.log(`weights in ${values.out}`);

/** Draws `count` images of each of three shapes, at places and sizes of their own, on noise. */
async function drawShapes(folder: string, count: number): Promise<string> {
  const size = 24;
  const inside: Record<string, (x: number, y: number, radius: number) => boolean> = {
    cross: (x, y, radius) => Math.min(Math.abs(x), Math.abs(y)) < radius / 4,
    disc: (x, y, radius) => x * x + y * y < radius * radius,
    square: () => true,
  };
  const generator = new Generator(5);
  for (const [name, fills] of Object.entries(inside)) {
    await mkdir(join(folder, name), { recursive: true });
    for (let n = 0; n < count; n++) {
      const radius = 5 + generator.integer(5);
      const [middleX, middleY] = [0, 0].map(() => radius + generator.integer(size - 2 * radius));
      const data = Uint8Array.from({ length: size * size }, (_, i) => {
        const [x, y] = [(i % size) - middleX!, Math.floor(i / size) - middleY!];
        const drawn = Math.max(Math.abs(x), Math.abs(y)) < radius && fills(x, y, radius);
        return (drawn ? 190 : 0) + generator.integer(60);
      });
      await writeFile(
        join(folder, name, `${n}.png`),
        encode({ width: size, height: size, channels: 1, data }),
      );
    }
  }
  return folder;
}
