import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DataLoader } from '../../src/data/loader.js';
import type * as twill from '../../src/index.js';
import type { TrainingWorker } from '../../src/worker/index.js';
import { BROWSER, ISOLATION, launch, serve } from './browser.js';

/** What every page below has at hand: the library, a network, and images that it can learn. */
const APP = `
import * as twill from '/dist/index.browser.js';
import { ImageDataset, DataLoader } from '/dist/data/index.browser.js';
import { TrainingWorker } from '/dist/worker/index.browser.js';

const { Conv2d, Flatten, Generator, Linear, MaxPool2d, ReLU, Sequential, SGD } = twill;

export function network() {
  const generator = new Generator(1);
  return new Sequential(
    new Conv2d(1, 16, 5, { padding: 2, generator }), new ReLU(), new MaxPool2d(2),
    new Conv2d(16, 32, 5, { padding: 2, generator }), new ReLU(), new MaxPool2d(2),
    new Flatten(), new Linear(32 * 7 * 7, 10, { generator }));
}

/** Noise with a bright row whose height is the label. */
export function images(count, Buffer = ArrayBuffer) {
  const generator = new Generator(2);
  const images = new Uint8Array(new Buffer(count * 784));
  const labels = new Uint8Array(new Buffer(count));
  for (let n = 0; n < count; n++) {
    labels[n] = generator.integer(10);
    for (let at = 0; at < 784; at++) {
      images[n * 784 + at] = generator.integer(90) + (Math.floor(at / 28) === 2 * labels[n] + 4 ? 160 : 0);
    }
  }
  return new ImageDataset({ images, labels, shape: [1, 28, 28] });
}

export const options = (more) => ({ optimizer: new SGD({ lr: 0.05, momentum: 0.9 }), batchSize: 100, ...more });

/** All weights as text: equal where every bit is. */
export function bits(model) {
  return model.parameters().map((parameter) => new Uint32Array(parameter.read().buffer).join()).join(';');
}

export { DataLoader, TrainingWorker, twill };
globalThis.app = { bits, images, network, options, DataLoader, TrainingWorker, twill };
`;

const PAGE = '<!doctype html><title>worker</title><script type="module" src="/app.js"></script>';

/** No text is evaluated, and workers come from the page's own origin. */
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";

// In the page; the types of what APP exports are those of the library.
declare const app: {
  bits(model: unknown): string;
  images(count: number, Buffer?: unknown): never;
  network(): never;
  options(more?: object): never;
  DataLoader: typeof DataLoader;
  TrainingWorker: typeof TrainingWorker;
  twill: typeof twill;
};

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

describe.each([
  ['without isolation', {}],
  ['with isolation', ISOLATION],
])('a Web Worker under a content security policy, %s', (_, isolation) => {
  let site: { url: string; close: () => void };
  let page: Page;

  beforeAll(async () => {
    site = await serve({
      pages: { '/': PAGE, '/app.js': APP },
      folders: { '/dist/': new URL('../../dist/', import.meta.url) },
      headers: { 'content-security-policy': POLICY, ...isolation },
    });
  });
  afterAll(() => site?.close());

  beforeEach(async () => {
    page = await browser.newPage();
    await page.goto(site.url);
    await page.waitForFunction(() => 'app' in globalThis);
  });
  afterEach(() => page.close());

  it('trains to the bits of fit on the page, record by record', async () => {
    const { inWorker, onPage } = await page.evaluate(async () => {
      const { bits, images, network, options, TrainingWorker, twill } = app;
      const [train, validation] = [images(730), images(200)];
      const more = { epochs: 2, shuffle: true, seed: 5, validation };
      const trace = async (run: AsyncIterable<{ cost: number; accuracy: number }>, model: unknown) => {
        const seen = [];
        for await (const { cost, accuracy } of run) seen.push([cost, accuracy, bits(model)]);
        return seen;
      };
      const worker = await TrainingWorker.start();
      const [a, b] = [network(), network()];
      const inWorker = await trace(worker.fit(a, train, options(more)), a);
      worker.terminate();
      await twill.loadBackend();
      return { inWorker, onPage: await trace(twill.fit(b, train, options(more)), b) };
    });
    expect(inWorker.length).toBe(2);
    expect(inWorker).toEqual(onPage);
  });

  // Firefox tells pages of no long tasks.
  const telling = it.skipIf(BROWSER === 'firefox');
  telling(
    'leaves the page alone: no task of 50 ms while it sends, trains and tells',
    { retry: 5 },
    async () => {
      const { long, batches, proof } = await page.evaluate(async () => {
        const { images, network, options, TrainingWorker } = app;
        const [train, validation] = [images(12_000), images(1000)];
        const worker = await TrainingWorker.start();
        const long: number[] = [];
        const observer = new PerformanceObserver((list) => {
          long.push(...list.getEntries().map(({ duration }) => duration));
        });
        observer.observe({ entryTypes: ['longtask'] });
        const settled = () => new Promise((resolve) => setTimeout(resolve, 200));
        await settled();
        const start = performance.now();
        while (performance.now() - start < 100);
        await settled();
        // It sees what is long; what comes from here on is the library's.
        const proof = long.splice(0).length;
        let batches = 0;
        const onBatch = () => batches++;
        await worker.fit(network(), train, options({ validation, onBatch })).finish();
        await settled();
        observer.disconnect();
        worker.terminate();
        return { long, batches, proof };
      });
      expect(proof).toBeGreaterThan(0);
      expect(batches).toBe(120);
      expect(long).toEqual([]);
    },
  );

  it('tells of many batches in a message, and of each once', async () => {
    const { messages, batches } = await page.evaluate(async () => {
      const { images, options, TrainingWorker, twill } = app;
      const { Flatten, Linear, Sequential } = twill;
      const small = new Sequential(new Flatten(), new Linear(784, 10));
      const worker = await TrainingWorker.start();
      const batches: number[] = [];
      let messages = 0;
      let told = false;
      const onBatch = ({ batch }: { batch: number }) => {
        batches.push(batch);
        if (told) return;
        told = true;
        messages++;
        queueMicrotask(() => (told = false));
      };
      await worker.fit(small, images(5000), options({ batchSize: 1, onBatch })).finish();
      worker.terminate();
      return { messages, batches };
    });
    expect(batches).toEqual(Array.from({ length: 5000 }, (_, index) => index + 1));
    expect(messages).toBeLessThan(2500);
  });

  it('needs neither timers nor frames of the page, which a background tab does not have', async () => {
    await page.evaluate(() => {
      const never = () => 0;
      Object.assign(globalThis, { setTimeout: never, setInterval: never, requestAnimationFrame: never });
      const { images, network, options, TrainingWorker } = app;
      const train = images(3000);
      const training = TrainingWorker.start().then(async (worker) => {
        const { epochs } = await worker.fit(network(), train, options({ epochs: 3 })).finish();
        await worker.close();
        return epochs.length;
      });
      Object.assign(globalThis, { training });
    });
    expect(await page.evaluate(() => (globalThis as unknown as { training: number }).training)).toBe(3);
  });

  it('stops at an abort, and its workers end with close and terminate, in the middle of a step too', async () => {
    const outcome = await page.evaluate(async () => {
      const { bits, images, network, options, TrainingWorker, twill } = app;
      const train = images(500);
      const worker = await TrainingWorker.start();
      const controller = new AbortController();
      const model = network();
      const before = bits(model);
      const forever = { epochs: 1_000_000, signal: controller.signal, onBatch: () => controller.abort() };
      const run = worker.fit(model, train, options(forever));
      await run.finish();
      const changed = bits(model) !== before;
      await worker.close();
      const doomed = await TrainingWorker.start();
      const running = doomed.fit(
        model,
        train,
        options({ epochs: 1_000_000, onBatch: () => doomed.terminate() }),
      );
      const reason: unknown = await running.finish().catch((error: unknown) => error);
      const { accuracy } = await twill.loadBackend().then(() => twill.evaluate(model, train));
      return { aborted: run.aborted, changed, typed: reason instanceof twill.WorkerError, accuracy };
    });
    expect(outcome).toMatchObject({ aborted: true, changed: true, typed: true });
    expect(outcome.accuracy).toBeGreaterThanOrEqual(0);
    // Threads of WebAssembly are workers, too: the page's own stay.
    const scripts = () => page.workers().map((worker) => new URL(worker.url()).pathname.split('/').at(-1));
    const alive = () => scripts().filter((name) => name !== 'thread.browser.js');
    await expect.poll(alive, { timeout: 10_000 }).toEqual([]);
  });

  it("throws errors of the page's own classes", async () => {
    const seen = await page.evaluate(async () => {
      const { images, network, options, TrainingWorker, twill } = app;
      const worker = await TrainingWorker.start();
      const train = images(100);
      const model = network();
      const thrown = (promise: Promise<unknown>) =>
        promise.then(
          () => undefined,
          (error: Error) =>
            [twill.NumericError, twill.LabelError, twill.ShapeError, twill.OptionError]
              .filter((one) => error instanceof one)
              .map(({ name }) => `${name} ${error.message}`)
              .join(),
        );
      const trainer = worker.trainer(model, { inputShape: [1, 28, 28], optimizer: new twill.SGD() });
      const seen = [
        await thrown(
          worker.fit(model, train, options({ optimizer: new twill.SGD({ lr: 1e30 }), epochs: 9 })).finish(),
        ),
        await thrown(trainer.step(new Uint8Array(784), [10])),
        await thrown(worker.predict(model, { images: new Uint8Array(784), shape: [1, 14, 56] })),
        await thrown(TrainingWorker.start({ threads: 0 })),
      ];
      worker.terminate();
      return seen;
    });
    expect(seen[0]).toMatch(/^NumericError \[fit\] the loss became (NaN|Infinity|-Infinity) in epoch/);
    expect(seen[1]).toBe('LabelError [Trainer.step] label 0 is 10 but the model has classes 0 to 9');
    expect(seen[2]).toMatch(/^ShapeError \[linear 7\]/);
    expect(seen[3]).toMatch(/^OptionError \[loadBackend\] threads must be/);
  });

  it('says so where the script of the worker cannot be had', async () => {
    const message = await page.evaluate(() =>
      app.TrainingWorker.start({ script: '/nowhere.js' }).catch(
        (error: Error) => `${error.name} ${error.message}`,
      ),
    );
    expect(message).toMatch(/^WorkerError .*its script cannot be loaded/);
  });

  // Without isolation there is no shared memory.
  it.runIf('cross-origin-opener-policy' in isolation)('shares a data set in shared memory', async () => {
    const accuracies = await page.evaluate(async () => {
      const { images, network, TrainingWorker } = app;
      const worker = await TrainingWorker.start();
      const shared = images(200, SharedArrayBuffer) as { labels: Uint8Array };
      const model = network();
      const { predictions, accuracy } = await worker.evaluate(model, shared as never);
      shared.labels.set(predictions);
      const after = await worker.evaluate(model, shared as never);
      worker.terminate();
      return [accuracy, after.accuracy];
    });
    expect(accuracies[0]).toBeLessThan(1);
    expect(accuracies[1]).toBe(1);
  });
});

describe('a page that forbids workers', () => {
  it('hears why', async () => {
    const site = await serve({
      pages: { '/': PAGE, '/app.js': APP },
      folders: { '/dist/': new URL('../../dist/', import.meta.url) },
      headers: { 'content-security-policy': `${POLICY}; worker-src 'none'` },
    });
    const page = await browser.newPage();
    await page.goto(site.url);
    await page.waitForFunction(() => 'app' in globalThis);
    const message = await page.evaluate(() =>
      app.TrainingWorker.start().catch((error: Error) => `${error.name} ${error.message}`),
    );
    expect(message).toMatch(/^WorkerError .*content security policy/i);
    await page.close();
    site.close();
  });
});
