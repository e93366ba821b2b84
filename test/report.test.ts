import fc from 'fast-check';
import { decode } from 'fast-png';
import { describe, expect, test } from 'vitest';
import { FormatError } from '../src/errors.js';
import {
  categoriesSvg,
  type EpochRecord,
  findMistakes,
  formatHistory,
  type Gallery,
  type History,
  historySvg,
  misclassifiedSvg,
  parseHistory,
  scoreClasses,
  svgToPng,
} from '../src/report/index.node.js';

const info = { backend: 'native', isa: 'avx2', threads: 2, fallbacks: [] };

function history(...points: [cost: number, accuracy: number][]): History {
  const epochs = points.map(([cost, accuracy], i) => ({
    epoch: i + 1,
    cost,
    accuracy,
    seconds: 2,
    evalSeconds: 0.2,
  }));
  return { info, epochs };
}

const SIX = history(
  [380.6, 0.8438],
  [222.4, 0.8637],
  [191.9, 0.8768],
  [175.2, 0.8829],
  [163.8, 0.8866],
  [155.1, 0.8881],
);

/** The attributes of every element of one name. */
function elements(svg: string, name: string): Record<string, string>[] {
  return [...svg.matchAll(new RegExp(`<${name}((?: [\\w:-]+="[^"]*")*)/?>`, 'g'))].map(([, attributes]) =>
    Object.fromEntries(
      [...attributes!.matchAll(/([\w:-]+)="([^"]*)"/g)].map(([, key, value]) => [key, value]),
    ),
  );
}

/** Reads a value axis back as a person would: where which number stands. */
function axis(svg: string, anchor: 'start' | 'end', fill: string): { y: number; value: number }[] {
  return [...svg.matchAll(/<text x="[^"]*" y="([^"]*)" text-anchor="(\w+)" fill="(#\w+)">([^<]*)<\/text>/g)]
    .filter(([, , a, f]) => a === anchor && f === fill)
    .map(([, y, , , label]) => ({
      y: Number(y) - 4.5,
      value: Number(label!.replace(/[ ,]/g, '').replace('%', 'e-2')),
    }));
}

function valueAt(ticks: { y: number; value: number }[], y: number): number {
  const [a, b] = [ticks[0]!, ticks.at(-1)!];
  return a.value + ((y - a.y) / (b.y - a.y)) * (b.value - a.value);
}

const RED = '#c62828';
const BLUE = '#1565c0';

describe('the history plot', () => {
  test('places every epoch where its axes say', () => {
    const svg = historySvg(SIX);
    const left = axis(svg, 'end', RED);
    const right = axis(svg, 'start', BLUE);
    expect(left.length).toBeGreaterThanOrEqual(5);
    expect(right.map(({ y }) => y)).toEqual(left.map(({ y }) => y));
    const costs = elements(svg, 'circle').map(({ cy }) => valueAt(left, Number(cy)));
    const accuracies = elements(svg, 'rect')
      .filter(({ width }) => width === '9')
      .map(({ y }) => valueAt(right, Number(y) + 4.5));
    SIX.epochs.forEach(({ cost, accuracy }, i) => {
      expect(costs[i]).toBeCloseTo(cost, 1);
      expect(accuracies[i]).toBeCloseTo(accuracy, 4);
    });
  });

  test('names both axes in the colours of their curves, and the epochs below', () => {
    const svg = historySvg(SIX);
    expect(svg).toMatch(new RegExp(`fill="${RED}"[^>]*>Cost`));
    expect(svg).toMatch(new RegExp(`fill="${BLUE}"[^>]*>Accuracy`));
    expect(svg).toContain('>Epoch<');
    for (const { epoch } of SIX.epochs) expect(svg).toContain(`>${epoch}</text>`);
  });

  test('any history gives round ticks that rise and hold all points', () => {
    const value = fc.double({ min: 1e-6, max: 1e7, noNaN: true });
    const fraction = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(value, fraction), { minLength: 1, maxLength: 30 }), (points) => {
        const svg = historySvg(history(...points));
        expect(svg).not.toMatch(/NaN|Infinity|undefined/);
        for (const [anchor, color] of [
          ['end', RED],
          ['start', BLUE],
        ] as const) {
          const ticks = axis(svg, anchor, color);
          expect(ticks.length).toBeGreaterThanOrEqual(5);
          for (let i = 1; i < ticks.length; i++) expect(ticks[i]!.value).toBeGreaterThan(ticks[i - 1]!.value);
          if (color === BLUE) expect(ticks.at(-1)!.value).toBeLessThanOrEqual(1);
        }
        for (const { cy } of elements(svg, 'circle')) {
          expect(Number(cy)).toBeGreaterThanOrEqual(78);
          expect(Number(cy)).toBeLessThanOrEqual(398);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('one epoch, none, and accuracies that are not known', () => {
    expect(elements(historySvg(history([380.6, 0.84])), 'circle')).toHaveLength(1);
    expect(historySvg(history())).toContain('No epoch was finished');
    const costOnly = historySvg(history([380.6, Number.NaN], [222, Number.NaN]));
    expect(elements(costOnly, 'circle')).toHaveLength(2);
    expect(costOnly).not.toContain('Accuracy on');
  });

  test('as a PNG it shows both curves and text, with the fonts of the package alone', async () => {
    const svg = historySvg(SIX);
    const png = decode(await svgToPng(svg));
    expect([png.width, png.height]).toEqual([1520, 920]);
    const share = (
      x0: number,
      y0: number,
      x1: number,
      y1: number,
      is: (r: number, g: number, b: number) => boolean,
    ) => {
      let hits = 0;
      for (let y = y0; y < y1; y++) {
        for (let x = x0; x < x1; x++) {
          const at = (y * png.width + x) * png.channels;
          if (is(png.data[at]!, png.data[at + 1]!, png.data[at + 2]!)) hits++;
        }
      }
      return hits;
    };
    const plot = [200, 160, 1320, 790] as const;
    expect(share(...plot, (r, g, b) => r > 150 && g < 90 && b < 90)).toBeGreaterThan(2000);
    expect(share(...plot, (r, g, b) => r < 80 && g < 140 && b > 150)).toBeGreaterThan(2000);
    const title = [160, 30, 760, 80] as const;
    expect(share(...title, (r, g, b) => r + g + b < 250)).toBeGreaterThan(1500);
  });
});

describe('history.json', () => {
  test('comes back as it was written, unknown accuracies included', () => {
    expect(parseHistory(formatHistory(SIX))).toEqual(SIX);
    const unknown: EpochRecord = { ...SIX.epochs[0]!, accuracy: Number.NaN };
    expect(parseHistory(formatHistory({ info, epochs: [unknown] })).epochs).toEqual([unknown]);
    expect(Object.keys(JSON.parse(formatHistory(SIX)).epochs[0])).toEqual([
      'epoch',
      'cost',
      'accuracy',
      'seconds',
      'evalSeconds',
    ]);
  });

  test('tells more where the training did', () => {
    const more: EpochRecord = { ...SIX.epochs[0]!, lr: 0.1, trainAccuracy: Number.NaN, validationLoss: 0.5 };
    expect(parseHistory(formatHistory({ info, epochs: [more] })).epochs).toEqual([more]);
    const text = JSON.stringify({ info, epochs: [{ ...more, lr: 'fast' }] });
    expect(() => parseHistory(text)).toThrow(/epoch 0 of history.json has no number "lr"/);
  });

  test.each([
    ['{"info":', /runs\/h\.json is not JSON/],
    ['[]', /needs an object "info"/],
    ['null', /needs an object "info"/],
    ['{"info":{},"epochs":[{"epoch":1}]}', /epoch 0 of runs\/h\.json has no number "cost"/],
  ])('%s is refused by name', (text, message) => {
    expect(() => parseHistory(text, 'runs/h.json')).toThrow(FormatError);
    expect(() => parseHistory(text, 'runs/h.json')).toThrow(message);
  });
});

/** Images of noise whose label is their number modulo the classes. */
function noise(count: number, shape: [number, number, number], classes?: string[]): Gallery {
  const size = shape[0] * shape[1] * shape[2];
  const images = Uint8Array.from({ length: count * size }, (_, i) => (i * 2654435761) >>> 24);
  const labels = Uint8Array.from({ length: count }, (_, i) => i % (classes?.length ?? 3));
  return { images, labels, shape, classes };
}

/** The embedded images with their place, in drawing order. */
function tiles(svg: string) {
  return elements(svg, 'image').map((tile) => ({
    x: Number(tile.x),
    y: Number(tile.y),
    png: decode(Buffer.from(tile.href!.split(',')[1]!, 'base64')),
  }));
}

describe('the classes', () => {
  test('a row for each class holds its first images, pixel for pixel', () => {
    const gallery = noise(40, [1, 28, 28], ['cat', 'dog', 'cow']);
    const svg = categoriesSvg(gallery, { perClass: 4 });
    const drawn = tiles(svg);
    expect(drawn).toHaveLength(12);
    drawn.forEach(({ png }, i) => {
      const index = Math.floor(i / 4) + 3 * (i % 4);
      expect([...png.data]).toEqual([...gallery.images.subarray(index * 784, (index + 1) * 784)]);
    });
    expect(new Set(drawn.slice(0, 4).map(({ y }) => y)).size).toBe(1);
    for (const name of ['cat', 'dog', 'cow']) expect(svg).toContain(`>${name}</text>`);
  });

  test('the PNG shows those pixels, unsmoothed', async () => {
    const gallery = noise(3, [1, 28, 28], ['a', 'b', 'c']);
    const svg = categoriesSvg(gallery, { perClass: 1 });
    const png = decode(await svgToPng(svg));
    const { x, y } = tiles(svg)[1]!;
    for (let row = 0; row < 28; row++) {
      for (let column = 0; column < 28; column++) {
        // 56 pixels of SVG, drawn at twice that: a pixel of the image is 4 x 4; look at its second.
        const at = ((y * 2 + row * 4 + 1) * png.width + x * 2 + column * 4 + 1) * png.channels;
        expect(png.data[at]).toBe(gallery.images[784 + row * 28 + column]);
      }
    }
  });

  test('colour comes out as colour, floats as grey, and a class without images says so', () => {
    const colour = tiles(categoriesSvg(noise(3, [3, 4, 5]), { perClass: 1 }))[0]!.png;
    expect([colour.width, colour.height, colour.channels]).toEqual([5, 4, 3]);
    const { images } = noise(3, [3, 4, 5]);
    expect([...colour.data.subarray(0, 3)]).toEqual([images[0], images[20], images[40]]);
    const floats = {
      images: Float32Array.of(0, 0.5, 1, 0.2),
      labels: Uint8Array.of(0),
      shape: [1, 2, 2] as const,
    };
    expect([...tiles(categoriesSvg(floats))[0]!.png.data]).toEqual([0, 128, 255, 51]);
    expect(categoriesSvg({ ...floats, classes: ['one', 'two'] })).toContain('none among these images');
  });
});

describe('the mistakes', () => {
  const gallery = noise(6, [1, 28, 28], ['cat', 'dog', 'cow']);
  const predictions = Int32Array.of(0, 2, 2, 1, 1, 1);

  test('are the images whose class is wrong, the surest first', () => {
    expect(findMistakes(gallery.labels, predictions).map(({ index }) => index)).toEqual([1, 3, 5]);
    const probabilities = new Float32Array(18);
    probabilities[1 * 3 + 2] = 0.5;
    probabilities[3 * 3 + 1] = 0.4;
    probabilities[5 * 3 + 1] = 0.75;
    const mistakes = findMistakes(gallery.labels, predictions, probabilities);
    expect(mistakes.map(({ index }) => index)).toEqual([5, 1, 3]);
    expect(mistakes[0]).toEqual({ index: 5, predicted: 1, truth: 2, probability: 0.75 });
    const svg = misclassifiedSvg(gallery, mistakes);
    const said = [...svg.matchAll(/<text[^>]*>(predicted|true) <tspan[^>]*>([^<]*)</g)].map(
      ([, lead, name]) => `${lead} ${name}`,
    );
    expect(said).toEqual([
      'predicted dog 75 %',
      'true cow',
      'predicted cow 50 %',
      'true dog',
      'predicted dog 40 %',
      'true cat',
    ]);
    expect(svg).toContain('3 of 6 images (50.00 %)');
    tiles(svg).forEach(({ png }, i) => {
      const start = mistakes[i]!.index * 784;
      expect([...png.data]).toEqual([...gallery.images.subarray(start, start + 784)]);
    });
  });

  test('none at all is a picture that says so', async () => {
    const svg = misclassifiedSvg(gallery, findMistakes(gallery.labels, Int32Array.from(gallery.labels)));
    expect(svg).toContain('all 6 images were classified correctly');
    expect(decode(await svgToPng(svg)).width).toBeGreaterThan(400);
  });

  test('class names cannot break out of the drawing', async () => {
    const hostile = { ...gallery, classes: ['</text><script>', '"&\u0000\'', '😀'.repeat(40)] };
    for (const svg of [
      categoriesSvg(hostile),
      misclassifiedSvg(hostile, findMistakes(gallery.labels, predictions)),
    ]) {
      expect(svg).not.toContain('<script');
      await svgToPng(svg);
    }
  });
});

test('recall, precision and the commonest confusion of each class', () => {
  const { confusion, classes } = scoreClasses([0, 0, 0, 0, 1, 1, 2], [0, 0, 1, 2, 1, 0, 1], 4);
  expect(confusion).toEqual([
    [2, 1, 1, 0],
    [1, 1, 0, 0],
    [0, 1, 0, 0],
    [0, 0, 0, 0],
  ]);
  expect(classes[0]).toEqual({
    images: 4,
    correct: 2,
    recall: 0.5,
    precision: 2 / 3,
    f1: 4 / 7,
    confusedWith: 1,
  });
  expect(classes[1]!.precision).toBeCloseTo(1 / 3);
  expect(classes[2]).toMatchObject({ recall: 0, precision: 0, confusedWith: 1 });
  expect(classes[3]).toEqual({
    images: 0,
    correct: 0,
    recall: Number.NaN,
    precision: Number.NaN,
    f1: Number.NaN,
    confusedWith: -1,
  });
});
