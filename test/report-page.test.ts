import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { decode } from 'fast-png';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { activations, manualSeed, predict } from '../src/index.node.js';
import { ArticleCnn } from '../src/recipes/article.js';
import {
  activationsSvg,
  compareRuns,
  comparisonHtml,
  reportDrawings,
  comparisonTable,
  confusionSvg,
  filtersSvg,
  formatHistory,
  type History,
  parseHistory,
  type Report,
  reportHtml,
  scoreClasses,
  svgToPng,
} from '../src/report/index.node.js';
import { twill } from './cli-support.js';
import { launch } from './browser/browser.js';
import { bars, writeFashionMnist } from './support.js';

vi.setConfig({ testTimeout: 120_000 });

let directory: string;
let browser: Browser;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'twill-report-'));
  browser = await launch();
});
afterAll(async () => {
  await browser?.close();
  rmSync(directory, { recursive: true, force: true });
});

const info = { backend: 'native', isa: 'avx2', threads: 2, fallbacks: ['no <fused> multiply-add'] };

function history(
  run: Record<string, string | number>,
  ...points: [cost: number, accuracy: number][]
): History {
  const epochs = points.map(([cost, accuracy], i) => ({
    ...{ epoch: i + 1, cost, accuracy, seconds: 2, evalSeconds: 0.25 },
  }));
  return { info, epochs, run };
}

async function sample(title = 'A <run> & "more"'): Promise<Report> {
  manualSeed(2);
  const model = new ArticleCnn();
  const gallery = bars(60, { classes: 10, size: 28 });
  const { classes, probabilities } = await predict(model, gallery);
  const { image } = gallery.get(3);
  return {
    title,
    history: history({ recipe: 'article', lr: 0.1 }, [30, 0.4], [20, 0.6]),
    gallery: { images: gallery.images, labels: gallery.labels, shape: [1, 28, 28] },
    predictions: classes,
    probabilities,
    parameters: 1000,
    summary: model.summary([1, 28, 28]),
    filters: [...model.stateDict()].flatMap(([name, one]) =>
      one.shape.length === 4 ? [{ name, ...one }] : [],
    ),
    activations: {
      index: 3,
      layers: await activations(model, { images: image, shape: [1, 28, 28] }),
      probabilities: probabilities.subarray(30, 40),
    },
    machine: [['CPU', 'one & only']],
  };
}

describe('the report', () => {
  test('says what the numbers are', async () => {
    const report = await sample();
    const html = reportHtml(report);
    const right = report.predictions.filter((one, i) => one === report.gallery.labels[i]).length;
    expect(html).toContain(`${right} of 60 test images were recognised.`);
    expect(html).toContain(`<dt>accuracy</dt><dd>${((right / 60) * 100).toFixed(2)} %</dd>`);
    expect(html).toContain('<h1>A &#60;run&#62; &#38; &#34;more&#34;</h1>');
    expect(html).toContain('no &#60;fused&#62; multiply-add');
    expect(html).toContain('cnn1.weight');
    for (const text of ['recipe', 'article', 'one &#38; only', 'macro F1', 'maxpool2', '>4.00 s<'])
      expect(html).toContain(text);
  });

  test('shows the learning rate where it changes', async () => {
    const report = await sample();
    expect(reportHtml(report)).not.toContain('earning rate');
    const withRates = (...rates: number[]): Report => ({
      ...report,
      history: {
        ...report.history,
        epochs: report.history.epochs.map((one, at) => ({ ...one, lr: rates[at]! })),
      },
    });
    const same = reportHtml(withRates(0.1, 0.1));
    expect(same).toContain('<th scope="col">learning rate</th>');
    expect(same).not.toContain('Learning rate of the last step');
    expect(reportDrawings(withRates(0.1, 0.1)).learningRate).toBeUndefined();
    const changing = withRates(0.1, 0.000_012_34);
    expect(reportHtml(changing)).toContain('Learning rate of the last step');
    expect(reportHtml(changing)).toContain('0.0000123');
    const runs = [report, withRates(0.2, 0.1)].map(({ history }, at) => ({ name: `run ${at}`, history }));
    expect(comparisonHtml(runs)).toContain('Learning rate of the last step');
    expect(comparisonHtml(runs.slice(0, 1))).not.toContain('Learning rate of the last step');
  });

  test('has neither scripts nor anything that is fetched', async () => {
    const html = reportHtml(await sample());
    expect(html).not.toMatch(/<script|<link|<iframe|@import|url\(|javascript:| on\w+=/i);
    for (const [, address] of html.matchAll(/(?:src|href)="([^"]*)"/g))
      expect(address).toMatch(/^(data:image\/png|#)/);
  });

  test.each(['light', 'dark'] as const)(
    'is read easily where the system is %s, and fits a telephone',
    async (colorScheme) => {
      const file = join(directory, 'page.html');
      writeFileSync(file, reportHtml(await sample()));
      const requests: string[] = [];
      const page = await browser.newPage({ colorScheme, viewport: { width: 390, height: 800 } });
      try {
        page.on('request', (request) => requests.push(request.url()));
        const problems: string[] = [];
        page.on('console', (message) => problems.push(message.text()));
        await page.goto(pathToFileURL(file).href);
        expect(requests.filter((url) => !url.startsWith('data:'))).toEqual([pathToFileURL(file).href]);
        expect(problems).toEqual([]);
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
        const paper = await page.evaluate('getComputedStyle(document.querySelector("svg > rect")).fill');
        expect(paper).toBe(colorScheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(21, 23, 28)');
        // The page forbids scripts, so what audits it comes in from outside.
        const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
        await page.evaluate(axe);
        const found = await page.evaluate(
          'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes[0].html]))',
        );
        expect(found).toEqual([]);
      } finally {
        await page.close();
      }
    },
  );
});

describe('drawings', () => {
  test('the confusion matrix has a number for every kind of answer, and says the commonest mistake', () => {
    const scores = scoreClasses([0, 0, 0, 1, 1, 2], [0, 1, 1, 1, 1, 2], 3);
    const svg = confusionSvg(scores, ['a', 'b<', 'c']);
    expect([...svg.matchAll(/>(\d+)<\/text>/g)].map(([, number]) => number)).toEqual(['1', '2', '2', '1']);
    expect(svg).toContain('<desc>Most often, 2 times, a was taken for b&#60;.</desc>');
    expect(svg).toContain('<title>2 of 3 images of a were taken for b&#60;</title>');
    expect(confusionSvg(scoreClasses([0], [0], 1), [])).toContain('No image was taken for another class.');
  });

  test('F1 is the harmonic mean of precision and recall', () => {
    const { classes } = scoreClasses([0, 0, 0, 1], [0, 0, 1, 1], 3);
    for (const { precision, recall, f1 } of classes.slice(0, 2))
      expect(f1).toBeCloseTo((2 * precision * recall) / (precision + recall), 12);
    expect(classes[2]!.f1).toBeNaN();
  });

  test('filters: positive weights are orange, negative ones blue, pixel for pixel', () => {
    const data = Float32Array.of(1, -1, 0.5, 0, -0.5, 0, 0, 1);
    const svg = filtersSvg([{ name: 'conv.weight', shape: [2, 1, 2, 2], data }]);
    const [, base64] = /base64,([^"]*)"/.exec(svg)!;
    const png = decode(Buffer.from(base64!, 'base64'));
    expect([png.width, png.height, png.channels]).toEqual([5, 2, 4]);
    const at = (x: number, y: number) => [...png.data.subarray(4 * (y * 5 + x), 4 * (y * 5 + x) + 4)];
    const [strong, negative] = [at(0, 0), at(1, 0)];
    expect(strong[0]!).toBeGreaterThan(strong[2]!);
    expect(negative[2]!).toBeGreaterThan(negative[0]!);
    expect(strong[3]).toBe(255);
    expect(at(0, 1)[3]!).toBeLessThan(strong[3]!);
    expect(at(2, 0)[3]).toBe(0);
  });

  test('any of them becomes a PNG, however large the layers and however odd the values', async () => {
    const layers = [
      {
        name: 'wide',
        op: 'conv2d',
        shape: [300, 3, 200],
        values: new Float32Array(180_000).fill(Number.NaN),
      },
      { name: 'features', op: 'linear', shape: [5000], values: new Float32Array(5000) },
    ];
    const gallery = bars(1, { size: 28 });
    const probabilities = Float32Array.of(0.25, 0.75);
    const svg = activationsSvg(
      { ...gallery, images: gallery.images, labels: gallery.labels, shape: [1, 28, 28] },
      {
        ...{ index: 0, layers, probabilities },
      },
    );
    expect(decode(await svgToPng(svg)).width).toBeGreaterThan(1000);
    const none = filtersSvg([]);
    expect(none).toContain('There are none.');
    const many = Array.from({ length: 6 }, (_, i) => ({
      name: `c${i}`,
      shape: [100, 40, 1, 1],
      data: new Float32Array(4000),
    }));
    expect(filtersSvg(many)).toContain('2 more layers are not shown');
  });
});

test('activations are what a model of the first layers gives', async () => {
  manualSeed(0);
  const model = new ArticleCnn();
  const images = bars(2, { size: 28 }).images;
  const layers = await activations(model, { images, shape: [1, 28, 28] });
  expect(layers.map(({ name, shape }) => `${name} ${shape.join('x')}`)).toEqual([
    ...['cnn1 16x28x28', 'relu1 16x28x28', 'maxpool1 16x14x14', 'cnn2 32x14x14', 'relu2 32x14x14'],
    ...['maxpool2 32x7x7', 'flatten 1568', 'fc1 10'],
  ]);
  const { logits } = await predict(model, { images, shape: [1, 28, 28] });
  expect(layers.at(-1)!.values).toEqual(logits);
  expect(layers[1]!.values).toEqual(layers[0]!.values.map((value) => Math.max(0, value)));
  expect(layers[6]!.values).toEqual(layers[5]!.values);
});

describe('runs side by side', () => {
  const runs = [
    { name: 'one', history: history({ lr: 0.1, seed: 0 }, [30, 0.4], [20, 0.7], [15, 0.6]) },
    { name: '<two>', history: history({ lr: 0.2, seed: 0, shuffle: 'true' }, [25, 0.5]) },
    { name: 'none', history: history({}) },
  ];

  test('the last, the best, and what differs', () => {
    const told = { ...runs[1]!.history, epochs: [{ ...runs[1]!.history.epochs[0]!, validationLoss: 0.51 }] };
    const { head, rows } = comparisonTable(compareRuns([runs[0]!, { name: 'told', history: told }]));
    expect(rows.map((row) => row[head.indexOf('test loss')])).toEqual(['–', '0.51']);
    const [one, two, none] = compareRuns(runs);
    expect(one).toMatchObject({
      accuracy: 0.6,
      best: { accuracy: 0.7, epoch: 2 },
      cost: 15,
      seconds: 6,
      epochs: 3,
    });
    expect(one!.differs).toEqual({ lr: '0.1', seed: '0', shuffle: '–' });
    expect(two!.differs).toEqual({ lr: '0.2', seed: '0', shuffle: 'true' });
    expect(none).toMatchObject({ accuracy: Number.NaN, best: { epoch: 0 }, epochs: 0 });
    expect(comparisonTable(compareRuns(runs.slice(0, 1))).head).toEqual([
      'run',
      'accuracy',
      'best',
      'cost',
      'epochs',
      'training',
    ]);
  });

  test('the page has a curve for each run, and names cannot break out', () => {
    const html = comparisonHtml(runs);
    expect(html).not.toContain('<two>');
    expect([...html.matchAll(/<polyline/g)]).toHaveLength(6);
    expect(html).toContain('class="best"');
    const many = Array.from({ length: 20 }, (_, i) => ({ ...runs[0]!, name: `run ${i}` }));
    expect(comparisonHtml(many)).toContain('stroke-dasharray="7 4"');
    expect(comparisonHtml([runs[2]!])).toContain('No epoch was finished');
  });

  test('history.json keeps the settings', () => {
    const text = formatHistory(runs[0]!.history);
    expect(parseHistory(text).run).toEqual({ lr: 0.1, seed: 0 });
    const odd = JSON.stringify({ ...JSON.parse(text), run: { a: 1, b: { c: 1 }, d: null, e: 'x' } });
    expect(parseHistory(odd).run).toEqual({ a: 1, e: 'x' });
  });
});

describe('from the command line', () => {
  let data: string;
  const run = (name: string) => join(directory, name);
  beforeAll(async () => {
    data = join(directory, 'data');
    writeFashionMnist(
      data,
      bars(300, { classes: 10, size: 28 }),
      bars(80, { classes: 10, size: 28, seed: 2 }),
    );
    for (const [name, lr] of [
      ['first', '0.1'],
      ['second', '0.05'],
    ] as const) {
      const args = ['train', '--data', data, '--epochs', '2', '--lr', lr, '--out', run(name)];
      expect((await twill(args)).code).toBe(0);
    }
  });

  test('report writes a page and its drawings beside the weights', async () => {
    const { code, stdout } = await twill(['report', run('first'), '--data', data, '--image', '7', '--json']);
    expect(code).toBe(0);
    const { files, accuracy } = JSON.parse(stdout);
    expect(files).toEqual([
      ...[
        'report.html',
        'history.png',
        'confusion.png',
        'misclassified.png',
        'filters.png',
        'activations.png',
      ],
    ]);
    const html = readFileSync(join(run('first'), 'report.html'), 'utf8');
    expect(html).toContain(`${(accuracy * 100).toFixed(2)} %`);
    expect(html).toContain('<title>Twill: first</title>');
    expect(html).toContain('Image 7, ');
    const { epochs } = JSON.parse(readFileSync(join(run('first'), 'history.json'), 'utf8'));
    expect(epochs.at(-1).accuracy).toBe(accuracy);
  });

  test('report refuses what is no run, and an image that is not there', async () => {
    mkdirSync(run('empty'));
    const none = await twill(['report', run('empty'), '--data', data]);
    expect(none.code).toBe(1);
    expect(none.stderr).toMatch(/^twill: cannot read .*history\.json: no such file.*`twill train --out/);
    const beyond = await twill(['report', run('first'), '--data', data, '--image', '80']);
    expect(beyond).toMatchObject({
      code: 2,
      stderr: 'twill: --image is 80, but the test images are 0 to 79\n',
    });
  });

  test('compare prints a table, marks the best and writes a page', async () => {
    const html = join(directory, 'compare.html');
    const { code, stdout } = await twill(['compare', run('first'), run('second'), '--html', html]);
    expect(code).toBe(0);
    const [head, ...lines] = stdout.trimEnd().split('\n');
    expect(head).toMatch(/run +accuracy +best +test loss +cost +epochs +training +lr +accuracy by epoch$/);
    expect(lines).toHaveLength(2);
    expect(lines.filter((line) => line.startsWith('*')).length).toBeGreaterThan(0);
    for (const line of lines) expect(line).toMatch(/ [▁▂▃▄▅▆▇█]{2}$/);
    expect(readFileSync(html, 'utf8')).toContain('2 runs side by side');
    const json = await twill(['compare', run('first'), '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ name: run('first'), epochs: 2 });
  });
});
