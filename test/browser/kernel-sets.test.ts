import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ImageDataset } from '../../src/data/index.browser.js';
import type * as twill from '../../src/index.browser.js';
import type { TrainingWorker } from '../../src/worker/index.browser.js';
import { BROWSER, launch, serve } from './browser.js';

const PAGE = `<!doctype html>
<script type="module">
import * as twill from '/dist/index.browser.js';
import { ImageDataset } from '/dist/data/index.browser.js';
import { TrainingWorker } from '/dist/worker/index.browser.js';
Object.assign(window, { twill, TrainingWorker });
window.images = new ImageDataset({
  images: Uint8Array.from({ length: 40 * 144 }, (_, i) => (i * 7919) % 256),
  labels: Uint8Array.from({ length: 40 }, (_, i) => i % 10),
  shape: [1, 12, 12],
});
window.network = (...between) => new twill.Sequential(
  new twill.Conv2d(1, 8, 3, { padding: 1 }), ...between, new twill.ReLU(), new twill.MaxPool2d(2),
  new twill.Flatten(), new twill.Linear(8 * 6 * 6, 10));
window.ready = true;
</script>`;

/** What the page has; its own functions are sent to it as text. */
interface Page {
  readonly twill: typeof twill;
  readonly TrainingWorker: typeof TrainingWorker;
  readonly images: ImageDataset;
  network(...between: unknown[]): twill.Sequential;
}

describe(`what a page in ${BROWSER} downloads`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());

  /** What `use` gives in a page, and the modules that the page has fetched by then, without what browsers differ in. */
  async function visit<T>(use: (page: Page) => Promise<T>): Promise<{ result: T; fetched: string[] }> {
    const dist = new URL('../../dist/', import.meta.url);
    const site = await serve({ pages: { '/': PAGE }, folders: { '/dist/': dist } });
    const page = await browser.newPage();
    const fetched: string[] = [];
    page.on('request', (request) => {
      const file = /twill-(?:relaxed-)?simd128(.*)\.wasm$/.exec(request.url());
      if (file) fetched.push(`simd128${file[1]}`);
    });
    try {
      await page.goto(site.url);
      await page.waitForFunction(() => 'ready' in globalThis);
      const result = (await page.evaluate(`(${use.toString()})(globalThis)`)) as T;
      return { result, fetched };
    } finally {
      await page.close();
      site.close();
    }
  }

  it('is what a plain network is applied with, to predict', async () => {
    const { result, fetched } = await visit(async ({ twill, images, network }) => {
      const { classes } = await twill.predict(network(), images);
      return classes.length;
    });
    expect(result).toBe(40);
    expect(fetched).toEqual(['simd128-predict']);
  });

  it('is what it is trained with, to train it; that serves to predict, too', async () => {
    const { result, fetched } = await visit(async ({ twill, images, network }) => {
      const model = network();
      const run = twill.fit(model, images, { epochs: 1, optimizer: new twill.SGD({ lr: 0.1 }) });
      const { info } = await run.finish();
      await twill.predict(model, images);
      // Without a backend of their own they take the one that is there.
      const predictor = new twill.Predictor(model, { inputShape: [1, 12, 12] });
      await predictor.run(images.images);
      return [
        info.kernels,
        predictor.backend.info().kernels,
        /^training .*\n/m.test(model.summary([1, 12, 12])),
      ];
    });
    expect(result).toEqual(['train', 'train', true]);
    expect(fetched).toEqual(['simd128-train']);
  });

  it('is everything for any other network, and on demand', async () => {
    const { result, fetched } = await visit(async ({ twill, images, network }) => {
      const model = network(new twill.BatchNorm2d(8));
      const trainer = () =>
        new twill.Trainer(model, { inputShape: [1, 12, 12], batchSize: 40, optimizer: new twill.SGD() });
      const step = () => trainer().step(images.images, images.labels);
      await twill.predict(network(), images);
      const refused = await step().then(String, String);
      const summary = model.summary([1, 12, 12]);
      const { info } = await twill.fit(model, images, { epochs: 1, optimizer: new twill.SGD() }).finish();
      const { loss } = await step();
      return [refused, /^(training|inference) /m.test(summary), info.kernels, loss > 0];
    });
    expect(result).toEqual([
      expect.stringMatching(/^BackendError: .*no kernel batch_norm_statistics.*`kernels: 'predict'`/),
      false,
      undefined,
      true,
    ]);
    expect(fetched).toEqual(['simd128-predict', 'simd128']);
  });

  it('is as little in a worker that is told so', async () => {
    const { result } = await visit(async ({ TrainingWorker, twill, images, network }) => {
      const worker = await TrainingWorker.start({ kernels: 'train' });
      const model = network();
      const run = worker.fit(model, images, { epochs: 1, optimizer: new twill.SGD({ lr: 0.1 }) });
      const { epochs } = await run.finish();
      const refused = await worker.predict(network(new twill.BatchNorm2d(8)), images).then(String, String);
      await worker.close();
      return [worker.info().kernels, epochs.length, refused];
    });
    expect(result).toEqual([
      'train',
      1,
      expect.stringMatching(/^BackendError: .*no kernel batch_norm_\w+, .*`kernels: 'train'`/),
    ]);
  });

  it('is fetched once for calls at the same time, by the one that needs more', async () => {
    const { result, fetched } = await visit(async ({ twill }) => {
      const [all, train] = await Promise.all([twill.loadBackend(), twill.loadBackend({ kernels: 'train' })]);
      return all === train;
    });
    expect(result).toBe(true);
    expect(fetched).toEqual(['simd128']);
  });
});
