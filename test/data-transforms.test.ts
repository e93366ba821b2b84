import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  DataLoader,
  ImageDataset,
  type ImageShape,
  Normalize,
  type Pixels,
  RandomAffine,
  RandomCrop,
  RandomErasing,
  RandomHorizontalFlip,
  RandomRotation,
  RandomVerticalFlip,
  type Transform,
  TransformedDataset,
} from '../src/data/index.node.js';
import { OptionError, ShapeError } from '../src/errors.js';

/** `count` images of distinct bytes; none is 0. */
function images(count: number, shape: ImageShape = [2, 5, 4]): ImageDataset {
  const size = shape[0] * shape[1] * shape[2];
  return new ImageDataset({
    images: Uint8Array.from({ length: count * size }, (_, i) => 1 + ((i * 7 + Math.floor(i / size)) % 251)),
    labels: new Uint8Array(count),
    shape,
  });
}

function apply(transform: Transform, data: ImageDataset, seed = 0): Pixels[] {
  const loader = new DataLoader(data, { batchSize: 1, seed, transforms: [transform] });
  return Array.from(loader, (batch) => batch.images);
}

const at = (image: Pixels, [, H, W]: ImageShape, c: number, y: number, x: number) =>
  y >= 0 && y < H && x >= 0 && x < W ? image[(c * H + y) * W + x]! : 0;

describe('RandomCrop', () => {
  it('shifts by up to its padding, each shift as likely', () => {
    const shape: ImageShape = [2, 5, 4];
    const data = images(900, shape);
    const seen = new Map<string, number>();
    apply(new RandomCrop({ padding: 1 }), data).forEach((shifted, n) => {
      const { image } = data.get(n);
      const shifts = [-1, 0, 1].flatMap((dy) => [-1, 0, 1].map((dx) => [dy, dx] as const));
      const fits = shifts.filter(([dy, dx]) =>
        shifted.every((value, i) => {
          const [c, y, x] = [Math.floor(i / 20), Math.floor(i / 4) % 5, i % 4];
          return value === at(image, shape, c, y + dy, x + dx);
        }),
      );
      expect(fits).toHaveLength(1);
      seen.set(fits[0]!.join(), (seen.get(fits[0]!.join()) ?? 0) + 1);
    });
    expect(seen.size).toBe(9);
    // 900 draws of 1 in 9: a standard deviation of 9.4.
    for (const count of seen.values()) expect(Math.abs(count - 100)).toBeLessThan(40);
  });

  it('cuts to its size and fills what lies outside', () => {
    const loader = new DataLoader(images(4), { transforms: [new RandomCrop({ size: [2, 3] })] });
    expect(loader.shape).toEqual([2, 2, 3]);
    expect([...loader][0]!.images).toHaveLength(12);
    const [filled] = apply(new RandomCrop({ size: [9, 4], padding: [2, 0], fill: 255 }), images(1));
    expect(filled!.filter((value) => value === 255)).toHaveLength(2 * 4 * 4);
    expect(() => apply(new RandomCrop({ size: 6 }), images(1))).toThrow(
      '[RandomCrop] cannot cut 6x6 pixels out of 5x4, padding included',
    );
    expect(() => new RandomCrop({ size: 0 })).toThrow(OptionError);
    expect(() => new RandomCrop({ pad: 1 } as never)).toThrow("unknown option 'pad'");
  });
});

describe('flips', () => {
  it('exchange left and right, top and bottom, as often as they are told', () => {
    const shape: ImageShape = [2, 5, 4];
    const data = images(400, shape);
    const mirrored = (image: Pixels, vertical: boolean) =>
      image.map((_, i) => {
        const [c, y, x] = [Math.floor(i / 20), Math.floor(i / 4) % 5, i % 4];
        return vertical ? at(image, shape, c, 4 - y, x) : at(image, shape, c, y, 3 - x);
      });
    for (const [Flip, vertical] of [
      [RandomHorizontalFlip, false],
      [RandomVerticalFlip, true],
    ] as const) {
      expect(apply(new Flip({ p: 0 }), data)[3]).toEqual(data.get(3).image);
      apply(new Flip({ p: 1 }), data).forEach((one, n) =>
        expect(one).toEqual(mirrored(data.get(n).image, vertical)),
      );
      const flipped = apply(new Flip(), data).filter((one, n) => one[0] !== data.get(n).image[0]);
      expect(Math.abs(flipped.length - 200)).toBeLessThan(50);
      expect(() => new Flip({ p: 2 })).toThrow(
        `[${Flip.name}] p must be a finite number from 0 to 1 but is 2`,
      );
    }
  });
});

describe('RandomAffine and RandomRotation', () => {
  const golden = JSON.parse(readFileSync('test/golden/transforms.json', 'utf8')) as {
    shape: ImageShape;
    image: number[];
    cases: { degrees: number; scale: number; interpolation: 'nearest' | 'bilinear'; pixels: number[] }[];
  };
  const data = new ImageDataset({
    images: Float32Array.from(golden.image),
    labels: new Uint8Array(1),
    shape: golden.shape,
  });

  it.each(golden.cases)(
    'gives the pixels of grid_sample: $degrees degrees, $scale, $interpolation',
    ({ degrees, scale, interpolation, pixels }) => {
      const options = { degrees: [degrees, degrees], scale: [scale, scale], interpolation } as const;
      const [turned] = apply(new RandomAffine(options), data);
      turned!.forEach((value, i) => expect(value).toBeCloseTo(pixels[i]!, 6));
    },
  );

  it('turns counter-clockwise: a quarter turn moves the right side to the top', () => {
    const square = images(1, [1, 4, 4]);
    const [turned] = apply(new RandomRotation({ degrees: [90, 90] }), square);
    const { image } = square.get(0);
    expect([...turned!.subarray(0, 4)]).toEqual([3, 7, 11, 15].map((i) => image[i]));
  });

  it('shifts by whole pixels and refuses what makes no sense', () => {
    const shifted = apply(new RandomAffine({ degrees: 0, translate: [0.5, 0], fill: 255 }), images(200));
    const columns = new Set(shifted.map((one) => [0, 1, 2, 3].filter((x) => one[x] === 255).join()));
    expect([...columns].sort()).toEqual(['', '0', '0,1', '2,3', '3']);
    const bad = (options: object) => () => new RandomAffine({ degrees: 10, ...options });
    expect(bad({ translate: [2, 0] })).toThrow(
      '[RandomAffine] translate must be a finite number from 0 to 1',
    );
    expect(bad({ scale: [0, 1] })).toThrow(OptionError);
    expect(bad({ degrees: [20, 10] })).toThrow(
      'the largest of degrees must be a finite number from 20 to 360',
    );
    expect(() => new RandomRotation({ degrees: 3, scale: [1, 1] } as never)).toThrow(
      "unknown option 'scale'",
    );
  });
});

describe('RandomErasing', () => {
  it('erases one rectangle within its bounds of area and aspect', () => {
    const shape: ImageShape = [2, 28, 28];
    const data = images(200, shape);
    let erased = 0;
    for (const image of apply(new RandomErasing({ ratio: [0.5, 2] }), data)) {
      const gone = [...image.keys()].filter((i) => image[i] === 0);
      if (gone.length === 0) continue;
      erased++;
      const rows = new Set(gone.map((i) => Math.floor(i / 28) % 28)).size;
      const columns = new Set(gone.map((i) => i % 28)).size;
      expect(gone).toHaveLength(2 * rows * columns);
      expect(gone.length / 2 / 784).toBeGreaterThan(0.01);
      expect(gone.length / 2 / 784).toBeLessThan(0.36);
      expect(rows / columns).toBeGreaterThan(0.4);
      expect(rows / columns).toBeLessThan(2.5);
    }
    expect(Math.abs(erased - 100)).toBeLessThan(35);
  });

  it('puts noise there when asked, and leaves an image whole in which nothing fits', () => {
    const [noisy] = apply(new RandomErasing({ p: 1, value: 'random' }), images(1, [1, 28, 28]));
    expect(
      new Set(noisy!.filter((value, i) => value !== images(1, [1, 28, 28]).images[i])).size,
    ).toBeGreaterThan(5);
    const pixel = images(1, [1, 1, 1]);
    expect(apply(new RandomErasing({ p: 1 }), pixel)[0]).toEqual(pixel.images);
    expect(() => new RandomErasing({ scale: [0.5, 0.2] })).toThrow(
      '[RandomErasing] the largest scale must be a finite number from 0.5 to 1 but is 0.2',
    );
  });
});

describe('Normalize', () => {
  it('scales bytes to 0..1, subtracts the mean and divides by the deviation, a channel', () => {
    const data = images(2);
    const [one] = apply(new Normalize({ mean: [0.5, 0.25], std: [0.5, 2] }), data);
    expect(one).toBeInstanceOf(Float32Array);
    one!.forEach((value, i) => {
      const pixel = data.images[i]! / 255;
      expect(value).toBeCloseTo(i < 20 ? (pixel - 0.5) / 0.5 : (pixel - 0.25) / 2, 6);
    });
    expect(() => apply(new Normalize({ mean: [1, 2, 3], std: 1 }), data)).toThrow(ShapeError);
    expect(() => new Normalize({ mean: 0, std: 0 })).toThrow('[Normalize] std must not be 0');
  });
});

describe('transforms in a loader', () => {
  const transforms = [new RandomCrop({ padding: 1 }), new RandomHorizontalFlip(), new RandomErasing()];

  it('draw anew every epoch, the same from the same seed, wherever an epoch is entered', () => {
    const loader = (seed: number) =>
      new DataLoader(images(20), { batchSize: 8, seed, shuffle: true, transforms });
    const pixels = (batches: Iterable<{ images: Pixels }>) =>
      Array.from(batches, (batch) => [...batch.images]);
    const first = pixels(loader(1).batches(0));
    expect(pixels(loader(1).batches(0))).toEqual(first);
    expect(pixels(loader(1).batches(0, 2))).toEqual(first.slice(2));
    expect(pixels(loader(1).batches(1))).not.toEqual(first);
    expect(pixels(loader(2).batches(0))).not.toEqual(first);
  });

  it('run in their order, each on what the one before gives', () => {
    const loader = new DataLoader(images(3), {
      transforms: [new RandomCrop({ size: 3 }), new Normalize({ mean: 0, std: 1 })],
    });
    expect([loader.shape, loader.dtype]).toEqual([[2, 3, 3], 'float32']);
    expect(
      () =>
        new DataLoader(images(3), { transforms: [new RandomCrop({ size: 3 }), new RandomCrop({ size: 4 })] }),
    ).toThrow('cannot cut 4x4 pixels out of 3x3');
    expect(() => new DataLoader(images(3), { transforms: [{}] as never })).toThrow(
      '[DataLoader] transform 0 must be a transform but is a value of type Object',
    );
  });

  it('leave the data set alone', () => {
    const data = images(5);
    const before = data.images.slice();
    apply(new RandomErasing({ p: 1 }), data);
    expect(data.images).toEqual(before);
  });
});

describe('TransformedDataset', () => {
  it('gives an image the same way every time, whatever it is asked with', () => {
    const data = new TransformedDataset(images(6), [new RandomCrop({ padding: 1 })], { seed: 4 });
    const read = (...indices: number[]) => {
      const pixels = new Uint8Array(indices.length * 40);
      data.copy(Uint32Array.from(indices), pixels, new Int32Array(indices.length));
      return pixels;
    };
    const all = read(0, 1, 2, 3, 4, 5);
    expect(read(4)).toEqual(all.slice(160, 200));
    expect([data.length, data.shape, data.dtype]).toEqual([6, [2, 5, 4], 'uint8']);
    const floats = new TransformedDataset(images(2), [new Normalize({ mean: 0.5, std: 0.5 })]);
    expect(floats.dtype).toBe('float32');
    expect(new DataLoader(floats, { batchSize: 2 }).batches(0).next().value!.images[0]).toBeCloseTo(
      (images(2).images[0]! / 255 - 0.5) / 0.5,
    );
  });
});

it("a transform of one's own takes part", () => {
  const invert: Transform = {
    random: false,
    output: (form) => form,
    apply: (source, target) => source.forEach((value, i) => (target[i] = 255 - value)),
  };
  expect(apply(invert, images(1))[0]).toEqual(images(1).images.map((value) => 255 - value));
});
