import { describe, expect, it } from 'vitest';
import {
  classWeights,
  collect,
  type Dataset,
  ImageDataset,
  randomSplit,
  type Sample,
  Subset,
} from '../src/data/index.node.js';
import { LabelError, OptionError, ShapeError } from '../src/errors.js';

/** n images of one pixel, their number; labels are the number modulo 3. */
function numbered(n: number): ImageDataset {
  return new ImageDataset({
    images: Uint8Array.from({ length: n }, (_, i) => i),
    labels: Uint8Array.from({ length: n }, (_, i) => i % 3),
    shape: [1, 1, 1],
    classes: ['a', 'b', 'c'],
  });
}

function read(data: Dataset): { images: number[]; labels: number[] } {
  const [images, labels] = [new Uint8Array(data.length), new Int32Array(data.length)];
  data.copy(
    Uint32Array.from({ length: data.length }, (_, i) => i),
    images,
    labels,
  );
  return { images: [...images], labels: [...labels] };
}

describe('Subset', () => {
  it('holds the samples that it names, in its order, through another one too', () => {
    const part = new Subset(numbered(9), [7, 2, 2]);
    expect(read(part)).toEqual({ images: [7, 2, 2], labels: [1, 2, 2] });
    expect(read(new Subset(part, [1, 0])).images).toEqual([2, 7]);
    expect(part.classes).toEqual(['a', 'b', 'c']);
    expect(() => new Subset(part, [3])).toThrow(
      '[Subset] index 0 must be a whole number from 0 to 2 but is 3',
    );
  });
});

describe('randomSplit', () => {
  it('deals every sample to one part, by fractions or by numbers, the same from the same seed', () => {
    const data = numbered(101);
    const parts = randomSplit(data, [0.7, 0.2, 0.1], { seed: 5 });
    expect(parts.map(({ length }) => length)).toEqual([71, 20, 10]);
    const all = parts.flatMap((part) => read(part).images);
    expect(all.toSorted((a, b) => a - b)).toEqual(read(data).images);
    expect(all).not.toEqual(read(data).images);
    expect(randomSplit(data, [71, 20, 10], { seed: 5 }).flatMap((part) => read(part).images)).toEqual(all);
    expect(randomSplit(data, [71, 20, 10], { seed: 6 }).flatMap((part) => read(part).images)).not.toEqual(
      all,
    );
    expect(
      randomSplit(
        data,
        Array.from({ length: 10 }, () => 0.1),
      ),
    ).toHaveLength(10);
  });

  it('refuses sizes that do not add up', () => {
    expect(() => randomSplit(numbered(10), [4, 5])).toThrow(
      '[randomSplit] sizes add up to 9 but must to 10, the number of samples, or to 1 as fractions',
    );
    expect(() => randomSplit(numbered(10), [0.5, -0.5, 1])).toThrow(OptionError);
    expect(() => randomSplit(numbered(10), 0.5 as never)).toThrow(
      'sizes must be an array of numbers but is 0.5',
    );
  });
});

describe('classWeights', () => {
  it('weighs a class with the samples that it lacks, as scikit-learn does', () => {
    // n / (classes * count): 7 / (3 * 3), 7 / (3 * 2), 7 / (3 * 2)
    const expected = [7 / 9, 7 / 6, 7 / 6];
    for (const data of [numbered(7), new Subset(numbered(9), [0, 1, 2, 3, 4, 5, 6])]) {
      classWeights(data).forEach((weight, i) => expect(weight).toBeCloseTo(expected[i]!, 6));
    }
    expect([...classWeights(numbered(7), 4)].at(-1)).toBe(0);
    expect(() => classWeights(numbered(7), 2)).toThrow(LabelError);
    const nameless = new ImageDataset({
      images: new Uint8Array(1),
      labels: new Uint8Array(1),
      shape: [1, 1, 1],
    });
    expect(() => classWeights(nameless)).toThrow('the data set names no classes');
  });
});

describe('collect', () => {
  const shape = [1, 1, 2] as const;

  it('makes a data set of what a generator gives, in its order', async () => {
    async function* samples(): AsyncGenerator<Sample> {
      const image = new Float32Array(2);
      for (let n = 0; n < 5; n++) {
        await null;
        // The same array again: what it held is copied.
        yield { image: image.fill(n / 4), label: n % 2 };
      }
    }
    const data = await collect(samples(), { shape, classes: ['even', 'odd'] });
    expect([...(data.images as Float32Array)]).toEqual([0, 0, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75, 1, 1]);
    expect([...data.labels]).toEqual([0, 1, 0, 1, 0]);
    expect((await collect([], { shape })).length).toBe(0);
  });

  it('refuses what is no sample, naming it', async () => {
    const of = (...samples: unknown[]) => collect(samples as Sample[], { shape });
    const good = { image: Uint8Array.of(1, 2), label: 0 };
    await expect(of(good, { image: [1, 2], label: 0 })).rejects.toThrow('[collect] sample 1 must be { image');
    await expect(of(good, { image: Uint8Array.of(1), label: 0 })).rejects.toThrow(ShapeError);
    await expect(of(good, { image: new Float32Array(2), label: 0 })).rejects.toThrow(
      'mixes bytes and floats',
    );
    await expect(of({ image: Uint8Array.of(1, 2), label: -1 })).rejects.toThrow(LabelError);
    await expect(of(undefined)).rejects.toThrow('but is undefined');
  });
});
