import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { serveDemo } from '../../examples/browser/server/server.js';
import { findFashionMnist } from '../../src/data/fashion-mnist.node.js';
import { launch } from './browser.js';

/** A training that is over soon; the test images are all there. */
const SHORT = '?images=2000&epochs=2';

const phaseIs = (page: Page, phase: string) =>
  page.locator(`body[data-phase=${phase}]`).waitFor({ timeout: 100_000 });

let browser: Browser;
let dataFiles: readonly string[];
beforeAll(async () => {
  browser = await launch();
  dataFiles = (await findFashionMnist()).paths;
});
afterAll(() => browser?.close());

describe.each([
  ['with isolation', true],
  ['without isolation', false],
])('the page, %s', { timeout: 120_000 }, (_, isolation) => {
  let site: Awaited<ReturnType<typeof serveDemo>>;
  let page: Page;
  /** What the console says: violations of the content security policy, too. */
  let complaints: string[];

  beforeAll(async () => {
    site = await serveDemo({ dataFiles, isolation });
    page = await browser.newPage();
    complaints = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
  });
  afterAll(async () => {
    await page?.close();
    await site?.close();
  });
  afterEach(() => expect(complaints).toEqual([]));

  it('starts by itself and learns', async () => {
    await page.goto(site.url + SHORT);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(isolation);
    await phaseIs(page, 'idle');
    expect(await page.locator('#status').textContent()).toMatch(
      /^Finished: [67]\d\.\d\d % of the test pictures/,
    );
    expect(await page.locator('#chart-accuracy .exact').count()).toBe(2);
  });
});
