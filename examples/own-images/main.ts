// Trains on a folder of PNG and JPEG files, one folder a class, all of one size:
//
//   photos/cat/1.png, photos/cat/2.jpg, ..., photos/dog/1.png, ...
//
//   npm run example own-images -- [photos] [--epochs 15] [--out out/own-images.safetensors]
//
// Without a folder it draws one, of discs, squares and crosses, into out/shapes. A fifth of the images is kept back
// to test on; the others are shifted a little, differently in every epoch.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { encode } from 'fast-png';
import { Conv2d, evaluate, fit, Flatten, Generator, Linear, manualSeed, MaxPool2d, ReLU } from 'twill';
import { save, Sequential, SGD } from 'twill';
import { labelsOf, loadImageFolder, randomSplit, RandomCrop, type Subset } from 'twill/data';
import { scoreClasses } from 'twill/report';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    epochs: { type: 'string', default: '15' },
    out: { type: 'string', default: 'out/own-images.safetensors' },
  },
});
const folder = positionals[0] ?? (await drawShapes('out/shapes', 100));

const data = await loadImageFolder(folder, { channels: 1 });
const { shape, classes = [] } = data;
const [train, test] = randomSplit(data, [0.8, 0.2], { seed: 1 }) as [Subset, Subset];
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
  transforms: [new RandomCrop({ padding: 2 })],
  optimizer: new SGD({ lr: 0.02, momentum: 0.9 }),
  validation: test,
});
for await (const { epoch, loss, accuracy } of run) {
  console.log(`epoch ${epoch}   loss ${loss.toFixed(4)}   accuracy ${(accuracy * 100).toFixed(1)} %`);
}

const { predictions } = await evaluate(model, test);
for (const [label, { images, correct }] of scoreClasses(
  labelsOf(test),
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
