import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type axe from 'axe-core';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch } from './browser.js';
import { phase, someImages, visit } from './page-site.js';

const source = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

describe.each([
  ['on a desk, light', 1280, 'light'],
  ['on a phone, dark', 390, 'dark'],
] as const)('the page for everybody, %s', { timeout: 120_000 }, (_, width, colorScheme) => {
  it('has no violation that axe finds, and nothing sticks out', async () => {
    const { page, url, close } = await visit(browser, await someImages(), { query: '?epochs=1', width });
    await page.emulateMedia({ colorScheme });
    await phase(page, 'idle');
    await page.locator('#gallery li').first().waitFor();
    await page.locator('#facts summary').click();
    // From the page's own server, since its policy has no room for anything else.
    const script = `${url}axe.js`;
    const body = await readFile(source, 'utf8');
    await page.route(script, (route) => route.fulfill({ body, contentType: 'text/javascript' }));
    await page.addScriptTag({ url: script });
    const found = await page.evaluate(async () => {
      const { axe: tool } = globalThis as unknown as { axe: typeof axe };
      const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
      const { violations } = await tool.run({ runOnly: tags });
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).slice(0, 3)}`);
    });
    expect(found).toEqual([]);
    const overhang = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(overhang).toBeLessThanOrEqual(0);
    await close();
  });
});
