import { copyFileSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { encode } from 'fast-png';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fashionMnist } from '../../src/data/index.node.js';
import { evaluate, load } from '../../src/index.node.js';
import { ArticleCnn } from '../../src/recipes/article.js';
import { downloaded, launch } from './browser.js';
import { phase, saidAccuracy, someImages, type Visit, visit } from './page-site.js';

const TROUSER = 1;
/** What is drawn comes some frames after what is known; more of them where much else goes on. */
const SOON = { timeout: 60_000 };

let browser: Browser;
let dataFiles: string[];
const downloads = mkdtempSync(join(tmpdir(), 'twill-downloads-'));
beforeAll(async () => {
  browser = await launch(downloads);
  dataFiles = await someImages();
});
afterAll(() => browser?.close());

describe('the page, once it has learnt', { timeout: 120_000 }, () => {
  let visited: Visit;
  let page: Page;

  beforeAll(async () => {
    visited = await visit(browser, dataFiles, { query: '?epochs=2' });
    page = visited.page;
    await phase(page, 'idle');
  }, 120_000);
  afterAll(() => visited?.close());
  afterEach(() => expect(visited.complaints).toEqual([]));

  it('started by itself, and says how it went', async () => {
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    await expect
      .poll(() => page.locator('#status').textContent(), SOON)
      .toMatch(/^Finished: \d\d\.\d\d % of the test pictures/);
    expect(await saidAccuracy(page)).toBeGreaterThan(0.6);
    // Drawn some frames later than it is known.
    await expect.poll(() => page.locator('#chart-accuracy .exact').count(), SOON).toBe(2);
    // Guessing among ten costs ln 10.
    expect(Number(await page.locator('#figure-cost').textContent())).toBeLessThan(0.75 * Math.log(10));
  });

  it('shows every test image in the confusion matrix', async () => {
    const accuracy = await saidAccuracy(page);
    await expect
      .poll(async () => {
        const cells = await page
          .locator('#matrix tbody tr')
          .evaluateAll((rows) =>
            rows.map((row) => [...row.querySelectorAll('button')].map((cell) => Number(cell.textContent))),
          );
        return [
          cells.flat().reduce((sum, value) => sum + value, 0),
          cells.reduce((sum, row, label) => sum + row[label]!, 0),
        ];
      }, SOON)
      .toEqual([1000, Math.round(1000 * accuracy)]);
  });

  it('shows what it gets wrong, of a class and taken for one', async () => {
    const wrong = Math.round(1000 * (1 - (await saidAccuracy(page))));
    const note = page.locator('#mistakes-note');
    await expect.poll(() => note.textContent(), SOON).toContain(`${wrong} pictures`);
    await page.locator('#filter-label').selectOption('Shirt');
    const labels = await page.locator('#gallery .is').allTextContents();
    expect(labels.length).toBeGreaterThan(5);
    expect(new Set(labels)).toEqual(new Set(['Shirt']));
    // A cell of the matrix chooses both: Shirt, taken for T-shirt/top.
    const cell = page.locator('#matrix tbody tr').nth(6).locator('button').first();
    await cell.click();
    expect(await page.locator('#filter-predicted').inputValue()).toBe('0');
    expect(await note.textContent()).toMatch(new RegExp(`^${await cell.textContent()} pictures?`));
    const taken = await page.locator('#gallery .taken').allTextContents();
    expect(taken.every((text) => text.startsWith('T-shirt/top, '))).toBe(true);
  });

  it('moves through the matrix with the keyboard', async () => {
    const cells = page.locator('#matrix tbody tr').nth(0).locator('button');
    await cells.first().focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowRight');
    expect(await page.evaluate(() => document.activeElement!.ariaLabel)).toMatch(/^Trouser, right: \d+$/);
    expect(await page.locator('#matrix button[tabindex="0"]').count()).toBe(1);
  });

  it('tells ten probabilities of what is drawn, with a pointer or the keyboard', async () => {
    const before = await answer(page);
    expect(sum(before)).toBeCloseTo(1, 2);
    await page.locator('#sketch-clear').click();
    const box = (await page.locator('#sketch').boundingBox())!;
    await page.mouse.move(box.x + 0.3 * box.width, box.y + 0.2 * box.height);
    await page.mouse.down();
    await page.mouse.move(box.x + 0.3 * box.width, box.y + 0.9 * box.height, { steps: 8 });
    await page.mouse.up();
    const drawn = await inked(page);
    expect(drawn).toBeGreaterThan(20);
    await expect.poll(() => answer(page), SOON).not.toEqual(before);
    expect(sum(await answer(page))).toBeCloseTo(1, 2);
    await page.locator('#sketch').focus();
    await page.keyboard.press('Delete');
    expect(await inked(page)).toBe(0);
    await page.keyboard.press('Space');
    for (let i = 0; i < 5; i++) await page.keyboard.press('Shift+ArrowDown');
    expect(await inked(page)).toBeGreaterThan(8);
  });

  it('names a picture that is opened, dark on light', async () => {
    const { test } = await fashionMnist({ directory: dirname(dataFiles[0]!) });
    const { image } = test.get(test.labels.indexOf(TROUSER));
    // Larger, and dark on light, as a photo would be.
    const side = 112;
    const data = new Uint8Array(side * side).map(
      (_, at) => 255 - image[Math.floor(at / side / 4) * 28 + Math.floor((at % side) / 4)]!,
    );
    const buffer = Buffer.from(encode({ width: side, height: side, data, channels: 1, depth: 8 }));
    await page.locator('#sketch-file').setInputFiles({ name: 'trousers.png', mimeType: 'image/png', buffer });
    await expect
      .poll(() => page.locator('#sketch-note').textContent(), SOON)
      .toMatch(/^trousers\.png, inverted/);
    await expect.poll(() => page.locator('#guess').textContent(), SOON).toMatch(/^Trouser, /);
  });

  it('gives its weights to Node and takes them back, and refuses what is none', async () => {
    const accuracy = await saidAccuracy(page);
    const name = 'article.safetensors';
    const downloading = downloaded(page, name, downloads);
    await page.locator('#download').click();
    const file = join(mkdtempSync(join(tmpdir(), 'twill-')), name);
    copyFileSync(await downloading, file);
    const model = new ArticleCnn();
    await load(model, file);
    const { test } = await fashionMnist({ directory: dirname(dataFiles[0]!) });
    // The backends differ by rounding: an image on the border may change sides.
    expect(Math.abs((await evaluate(model, test)).accuracy - accuracy)).toBeLessThanOrEqual(0.002);

    const junk = join(tmpdir(), `twill-${process.pid}.safetensors`);
    writeFileSync(junk, 'no weights at all');
    await page.locator('#weights-file').setInputFiles(junk);
    const note = page.locator('#weights-note');
    await expect
      .poll(() => note.textContent(), SOON)
      .toMatch(/^Not loaded, nothing has changed\. .*safetensors/);
    await page.locator('#weights-file').setInputFiles(file);
    await expect.poll(() => note.textContent(), SOON).toContain('test pictures are right');
    expect(await saidAccuracy(page, '#weights-note')).toBeCloseTo(accuracy, 4);
  });

  it('finds the pictures in the cache of the browser the next time', async () => {
    await page.reload();
    await phase(page, 'training');
    await expect
      .poll(() => page.locator('#facts').textContent(), SOON)
      .toContain("from this browser's cache");
  });

  it('measures the browser', async () => {
    await page.locator('#bench').click();
    await page.locator('#bench-tables').getByText('A training step').waitFor({ timeout: 110_000 });
    const row = page.locator('#bench-tables tr', { hasText: 'batch 100' }).first();
    expect(await row.locator('th').textContent()).toMatch(/^Twill wasm/);
  });
});

describe('the page while it trains, without isolation', { timeout: 120_000 }, () => {
  let visited: Visit;
  let page: Page;

  beforeAll(async () => {
    visited = await visit(browser, dataFiles, { query: '?epochs=1000', isolation: false });
    page = visited.page;
    await phase(page, 'training');
  }, 120_000);
  afterAll(() => visited?.close());
  afterEach(() => expect(visited.complaints).toEqual([]));

  it('says why there is one thread', async () => {
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(false);
    expect(await page.locator('#facts').textContent()).toContain('the page is not cross-origin isolated');
  });

  it('fills the matrix and changes the filters', async () => {
    const seen = () => page.locator('#confusion-note').textContent();
    await expect.poll(seen, SOON).toMatch(/of 1,000, as each was last classified/);
    const filters = () =>
      page
        .locator('#kernels canvas')
        .first()
        .evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());
    const before = await filters();
    await expect.poll(filters, SOON).not.toBe(before);
  });

  it('pauses, goes on and stops', async () => {
    await page.locator('#pause').click();
    await phase(page, 'paused');
    const done = () => page.locator('#progress').evaluate((bar) => (bar as HTMLProgressElement).value);
    const before = await done();
    await page.locator('#pause', { hasText: 'Resume' }).click();
    await expect.poll(done, SOON).toBeGreaterThan(before);
    await page.locator('#stop').click();
    await phase(page, 'idle');
    await expect.poll(() => page.locator('#status').textContent(), SOON).toBe('Stopped');
    expect(await page.locator('#start').textContent()).toBe('Restart');
  });

  it('says so where the learning rate is too high', async () => {
    await page.locator('[name=lr]').fill('1e30');
    await page.locator('#start').click();
    await page.locator('#trouble', { hasText: 'It has diverged' }).waitFor({ timeout: 60_000 });
    expect(await page.locator('#trouble-text').textContent()).toMatch(
      /the loss became .*lower learning rate/,
    );
  });
});

describe('the page without the data', () => {
  it('says what to do, and takes files instead', { timeout: 120_000 }, async () => {
    const { page, close } = await visit(browser, []);
    await page.locator('#trouble', { hasText: 'apt-get install dataset-fashion-mnist' }).waitFor();
    expect(await page.locator('#trouble').textContent()).toContain('status 404');
    const { source } = await fashionMnist();
    const names = ['train-images-idx3', 'train-labels-idx1', 't10k-images-idx3', 't10k-labels-idx1'];
    await page.locator('#data-files').setInputFiles(names.map((name) => join(source, `${name}-ubyte.gz`)));
    await phase(page, 'training');
    expect(await page.locator('#trouble').isVisible()).toBe(false);
    expect(await page.locator('#facts').textContent()).toContain('60,000 pictures to learn from, 10,000');
    await close();
  });
});

/** The ten probabilities, as shown. */
async function answer(page: Page): Promise<number[]> {
  const texts = await page.locator('#probabilities .value').allTextContents();
  expect(texts.length).toBe(10);
  return texts.map((text) => Number.parseFloat(text) / 100);
}

/** Pixels of the drawing with ink on them. */
function inked(page: Page): Promise<number> {
  return page.locator('#sketch').evaluate((element) => {
    const { width, height } = element as HTMLCanvasElement;
    const copy = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!;
    copy.drawImage(element as HTMLCanvasElement, 0, 0);
    const { data } = copy.getImageData(0, 0, width, height);
    return data.filter((value, at) => at % 4 === 3 && value > 0).length;
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
