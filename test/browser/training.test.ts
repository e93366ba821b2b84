import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findFashionMnist } from '../../src/data/fashion-mnist.node.js';
import { fashionMnist } from '../../src/data/index.node.js';
import { evaluate, load } from '../../src/index.node.js';
import { ArticleCnn } from '../../src/recipes/article.js';
import { BROWSER, downloaded, launch, serve } from './browser.js';

/** The first lines of the README, on some of the images so that the test is short, ending in a download. */
const PAGE = `<!doctype html>
<body>
<script type="importmap">{ "imports": { "twill": "/dist/index.browser.js", "twill/data": "/dist/data/index.browser.js" } }</script>
<script type="module">
import { Conv2d, CrossEntropyLoss, Flatten, Linear, MaxPool2d, Module, ReLU, SGD, fit, loadBackend, manualSeed, save } from 'twill';
import { fashionMnist } from 'twill/data';

class CNN extends Module {
  cnn1 = new Conv2d(1, 16, 5, { padding: 2 });
  relu1 = new ReLU();
  maxpool1 = new MaxPool2d(2);
  cnn2 = new Conv2d(16, 32, 5, { padding: 2 });
  relu2 = new ReLU();
  maxpool2 = new MaxPool2d(2);
  flatten = new Flatten();
  fc1 = new Linear(32 * 7 * 7, 10);
  forward(x) {
    x = this.maxpool1.forward(this.relu1.forward(this.cnn1.forward(x)));
    x = this.maxpool2.forward(this.relu2.forward(this.cnn2.forward(x)));
    return this.fc1.forward(this.flatten.forward(x));
  }
}

try {
  const { train, test } = await fashionMnist({ baseUrl: '/data/' });
  manualSeed(0);
  const model = new CNN();
  const run = fit(model, train.take(2000), {
    epochs: 2, batchSize: 100, loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0.1 }), validation: test.take(1000) });
  const epochs = [];
  for await (const epoch of run) epochs.push(epoch);
  await save(model, 'fashion.safetensors');
  show({ epochs, info: (await loadBackend()).info() });
} catch (error) {
  show({ error: String(error?.stack ?? error) });
}

function show(result) {
  const output = document.createElement('output');
  output.textContent = JSON.stringify(result);
  document.body.append(output);
}
</script>`;

interface Result {
  readonly error?: string;
  readonly epochs: readonly { cost: number; accuracy: number }[];
  readonly info: { backend: string; isa: string; threads: number; fallbacks: string[] };
}

describe(`the first lines in ${BROWSER}`, () => {
  const downloads = mkdtempSync(join(tmpdir(), 'twill-'));
  let browser: Browser;
  let site: { url: string; close: () => void };

  beforeAll(async () => {
    const found = await findFashionMnist();
    const data = pathToFileURL(`${found.source}/`);
    const dist = new URL('../../dist/', import.meta.url);
    // Without 'unsafe-eval': the library evaluates no text.
    const policy = "default-src 'self'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'";
    const headers = { 'content-security-policy': policy };
    site = await serve({ pages: { '/': PAGE }, folders: { '/dist/': dist, '/data/': data }, headers });
    browser = await launch(downloads);
  });

  afterAll(async () => {
    await browser?.close();
    site?.close();
    rmSync(downloads, { recursive: true, force: true });
  });

  async function resultOf(page: Page): Promise<Result> {
    return JSON.parse((await page.locator('output').textContent({ timeout: 110_000 }))!) as Result;
  }

  it(
    'train, and download weights that Node evaluates to the same accuracy',
    { timeout: 120_000 },
    async () => {
      const page = await browser.newPage();
      const downloading = downloaded(page, 'fashion.safetensors', downloads);
      downloading.catch(() => {});
      await page.goto(site.url);
      const { error, epochs, info } = await resultOf(page);
      expect(error).toBeUndefined();
      expect(info).toMatchObject({ backend: 'wasm', threads: 1 });
      expect(info.isa).toMatch(/^(relaxed-)?simd128$/);
      expect(info.fallbacks).toContainEqual(
        expect.stringContaining('one thread: the page is not cross-origin isolated'),
      );
      expect(epochs.length).toBe(2);
      expect(epochs[1]!.cost).toBeLessThan(epochs[0]!.cost);
      expect(epochs[1]!.accuracy).toBeGreaterThan(0.6);

      const file = await downloading;
      expect(readFileSync(file).length).toBeGreaterThan(4 * 28_000);
      const model = new ArticleCnn();
      await load(model, file);
      const { test } = await fashionMnist();
      const { accuracy } = await evaluate(model, test.take(1000));
      // The backends differ by rounding: an image on the border may change sides.
      expect(Math.abs(accuracy - epochs[1]!.accuracy)).toBeLessThanOrEqual(0.002);
    },
  );
});
