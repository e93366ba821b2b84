import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ImageDataset, type ImageDatasetOptions } from '../src/data/dataset.js';
import { type Batch, DataLoader, type DataLoaderOptions } from '../src/data/loader.js';
import { LabelError, OptionError, ShapeError } from '../src/errors.js';
import { checkOptions } from '../src/options.js';
import { Generator } from '../src/random.js';

/** n images of 1x2x3 whose pixels are all the image's number and whose label is the number modulo 10. */
function numbered(n: number): ImageDataset {
  return new ImageDataset({
    images: Uint8Array.from({ length: n * 6 }, (_, i) => Math.floor(i / 6)),
    labels: Uint8Array.from({ length: n }, (_, i) => i % 10),
    shape: [1, 2, 3],
  });
}

const numbersOf = (batch: Batch) => Array.from({ length: batch.size }, (_, i) => batch.images[i * 6]!);

describe('options', () => {
  it('names the unknown option, the likely one and those that exist', () => {
    const check = (options: object) => () =>
      checkOptions<{ batchSize?: number; shuffle?: boolean }>('fit', options, ['batchSize', 'shuffle']);
    expect(check({ batchsize: 3 })).toThrow(
      "[fit] unknown option 'batchsize', did you mean 'batchSize'? (known: batchSize, shuffle)",
    );
    expect(check({ batch_size: 3 })).toThrow("did you mean 'batchSize'");
    expect(check({ colour: 3 })).toThrow("[fit] unknown option 'colour' (known: batchSize, shuffle)");
    expect(check([])).toThrow('expected an object of options but got []');
    expect(check('shuffle' as never)).toThrow(OptionError);
    expect(check(null as never)).toThrow(OptionError);
    expect(checkOptions('fit', undefined, [])).toEqual({});
  });
});

describe('ImageDataset', () => {
  const images = new Uint8Array(24);
  const labels = new Uint8Array(4);

  it('gives samples, subsets and the first n, sharing memory', () => {
    const data = numbered(7);
    expect(data.length).toBe(7);
    expect(data.dtype).toBe('uint8');
    expect(data.get(4)).toEqual({ image: new Uint8Array(6).fill(4), label: 4 });
    const part = data.subset(2, 5);
    expect([part.length, part.get(0).label, part.get(2).label]).toEqual([3, 2, 4]);
    expect(part.images.buffer).toBe(data.images.buffer);
    expect(data.take(3).length).toBe(3);
    expect(data.take(100).length).toBe(7);
    expect(data.subset(7).length).toBe(0);
    expect(() => data.get(7)).toThrow('index must be a whole number from 0 to 6 but is 7');
    expect(() => data.subset(3, 2)).toThrow(OptionError);
    expect(() => data.take(1.5)).toThrow(OptionError);
  });

  it.each<
    [
      string,
      Partial<Record<keyof ImageDatasetOptions | 'label', unknown>>,
      new (...args: never[]) => Error,
      string,
    ]
  >([
    [
      'too few pixels',
      { images: new Uint8Array(23) },
      ShapeError,
      '4 labels and shape 1x2x3 need 24 pixels but images holds 23',
    ],
    [
      'too few labels',
      { labels: new Uint8Array(3) },
      ShapeError,
      '3 labels and shape 1x2x3 need 18 pixels but images holds 24',
    ],
    [
      'a label without a class',
      { labels: Uint8Array.of(0, 1, 2, 3), classes: ['a', 'b'] },
      LabelError,
      'label 2 is 2 but must be from 0 to 1',
    ],
    [
      'a negative label',
      { labels: Int32Array.of(0, -1, 2, 3) },
      LabelError,
      'label 1 is -1 but must be 0 or more',
    ],
    [
      'plain arrays',
      { images: [1, 2] },
      OptionError,
      'images must be a Uint8Array or Float32Array but is [1, 2]',
    ],
    ['double precision', { images: new Float64Array(24) }, OptionError, 'a value of type Float64Array'],
    [
      'float labels',
      { labels: new Float32Array(4) },
      OptionError,
      'labels must be a Uint8Array or Int32Array',
    ],
    ['two sizes', { shape: [2, 3] }, OptionError, 'shape must be [channels, height, width] but is [2, 3]'],
    ['half a pixel', { shape: [1, 0.5, 12] }, OptionError, 'must be a whole number of at least 1 but is 0.5'],
    ['no channel', { shape: [0, 2, 3] }, OptionError, 'must be a whole number of at least 1 but is 0'],
    ['sizes that overflow', { shape: [2 ** 20, 2 ** 20, 2 ** 20] }, ShapeError, 'overflows'],
    ['classes that are no names', { classes: [1, 2] }, OptionError, 'classes must be an array of names'],
    ['an unknown option', { label: labels }, OptionError, "unknown option 'label', did you mean 'labels'?"],
  ])('refuses %s', (_, change, type, message) => {
    const make = () => new ImageDataset({ images, labels, shape: [1, 2, 3], ...change } as never);
    expect(make).toThrow(type);
    expect(make).toThrow(message);
  });
});

describe('DataLoader', () => {
  it('cuts the data set into batches in its order', () => {
    const loader = new DataLoader(numbered(10), { batchSize: 4 });
    const batches = [...loader];
    expect(loader.length).toBe(3);
    expect(batches.map(numbersOf)).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9],
    ]);
    expect(batches.map((batch) => [...batch.labels])).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9],
    ]);
    expect(batches.map(({ size, index, shape }) => [size, index, shape])).toEqual([
      [4, 0, [1, 2, 3]],
      [4, 1, [1, 2, 3]],
      [2, 2, [1, 2, 3]],
    ]);
    expect(batches[0]!.labels).toBeInstanceOf(Int32Array);
    expect([...new DataLoader(numbered(10), { batchSize: 4, dropLast: true })]).toHaveLength(2);
    expect([...new DataLoader(numbered(3))]).toHaveLength(3);
    expect([...new DataLoader(numbered(0), { batchSize: 4 })]).toHaveLength(0);
  });

  it('gives the same batches asynchronously', async () => {
    const options = { batchSize: 4, shuffle: true, seed: 5 };
    const batches: Batch[] = [];
    for await (const batch of new DataLoader(numbered(10), options)) batches.push(batch);
    expect(batches).toEqual([...new DataLoader(numbered(10), options)]);
  });

  it('hands out copies', () => {
    const data = numbered(4);
    for (const batch of new DataLoader(data, { batchSize: 2 })) batch.images.fill(99);
    expect(data.get(1).image[0]).toBe(1);
  });

  it('keeps float images float', () => {
    const images = Float32Array.of(0.5, -1, 2, 1e-30);
    const data = new ImageDataset({ images, labels: Int32Array.of(3, 100000), shape: [2, 1, 1] });
    const [batch] = new DataLoader(data, { batchSize: 2 });
    expect(batch!.images).toEqual(images);
    expect([...batch!.labels]).toEqual([3, 100000]);
  });

  it('shuffles every epoch anew, each sample once, the same for the same seed', () => {
    const samples = (loader: DataLoader) => [...loader].flatMap(numbersOf);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 70 }),
        fc.nat(),
        (n, batchSize, seed) => {
          const loader = new DataLoader(numbered(n), { batchSize, shuffle: true, seed });
          const twin = new DataLoader(numbered(n), { batchSize, shuffle: true, seed });
          for (let epoch = 0; epoch < 2; epoch++) {
            const order = samples(loader);
            expect(samples(twin)).toEqual(order);
            expect(order.toSorted((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
          }
        },
      ),
    );
    const loader = new DataLoader(numbered(50), { shuffle: true });
    const first = samples(loader);
    expect(samples(loader)).not.toEqual(first);
    expect(samples(new DataLoader(numbered(50), { shuffle: true, seed: 1 }))).not.toEqual(first);
  });

  it('resumes at any epoch and batch', () => {
    const options = { batchSize: 4, shuffle: true, seed: 8 };
    const loader = new DataLoader(numbered(10), options);
    const epochs = [[...loader], [...loader], [...loader]];
    expect(loader.epoch).toBe(3);
    const resumed = new DataLoader(numbered(10), options);
    expect([...resumed.batches(2, 1)]).toEqual(epochs[2]!.slice(1));
    expect(resumed.epoch).toBe(0);
    resumed.epoch = 1;
    expect([...resumed]).toEqual(epochs[1]);
  });

  it('draws its seed from a generator', () => {
    const first = new DataLoader(numbered(20), { shuffle: true, generator: new Generator(1) });
    const second = new DataLoader(numbered(20), { shuffle: true, generator: new Generator(1) });
    expect([...first]).toEqual([...second]);
  });

  it.each<[object, string]>([
    [{ batchSize: 0 }, 'batchSize must be a whole number of at least 1 but is 0'],
    [{ batchSize: -1 }, 'but is -1'],
    [{ batchSize: 1.5 }, 'but is 1.5'],
    [{ batchSize: Number.NaN }, 'but is NaN'],
    [{ batchSize: '4' }, 'but is "4"'],
    [{ shuffle: 1 }, 'shuffle must be true or false but is 1'],
    [{ seed: -1 }, 'seed must be a whole number of at least 0 but is -1'],
    [{ batchsize: 4 }, "unknown option 'batchsize', did you mean 'batchSize'?"],
    [{ generator: {} }, 'generator must be a Generator'],
    [{ generator: new Generator(), seed: 1 }, 'takes a seed or a generator but got both'],
  ])('refuses %o', (options, message) => {
    const make = () => new DataLoader(numbered(4), options as DataLoaderOptions);
    expect(make).toThrow(OptionError);
    expect(make).toThrow(message);
  });

  it('refuses what is no data set, and epochs that do not exist', () => {
    expect(() => new DataLoader([] as never)).toThrow('expected a data set');
    const loader = new DataLoader(numbered(4));
    expect(() => {
      loader.epoch = -1;
    }).toThrow(OptionError);
    expect(() => [...loader.batches(0.5)]).toThrow(OptionError);
  });
});
