import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { serveDemo } from '../../examples/browser/server/server.js';
import { fashionMnist } from '../../src/data/index.node.js';

/** A page that is served, and what its console had to say against it: violations of its policy, too. */
export interface Visit {
  readonly page: Page;
  readonly url: string;
  readonly complaints: string[];
  close(): Promise<void>;
}

/** Serves the page as `npm run demo` does and opens it. */
export async function visit(
  browser: Browser,
  dataFiles: readonly string[],
  { query = '', isolation = true, width = 1280 } = {},
): Promise<Visit> {
  const site = await serveDemo({ dataFiles, isolation });
  const page = await browser.newPage({ viewport: { width, height: 900 } });
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(site.url + query);
  const close = async () => {
    await page.close();
    await site.close();
  };
  return { page, url: site.url, complaints, close };
}

/** Waits until the page says that it trains (`training`), has ended (`idle`), ... */
export function phase(page: Page, name: 'training' | 'paused' | 'examining' | 'idle'): Promise<void> {
  return page.locator(`body[data-phase=${name}]`).waitFor({ timeout: 110_000 });
}

/** Fraction of the test images that the page's status says are right. */
export async function saidAccuracy(page: Page, element = '#status'): Promise<number> {
  const text = (await page.locator(element).textContent())!;
  return Number(/([\d.]+) %/.exec(text)![1]) / 100;
}

/** Some of the real images in files of their own, so that a page is there at once: the four files' paths. */
export async function someImages(): Promise<string[]> {
  const { train, test } = await fashionMnist();
  const folder = await mkdtemp(join(tmpdir(), 'twill-page-'));
  const parts = { train: train.take(2000), t10k: test.take(1000) };
  const paths: string[] = [];
  for (const [name, { images, labels }] of Object.entries(parts)) {
    paths.push(
      await write(folder, `${name}-images-idx3-ubyte`, images as Uint8Array, [labels.length, 28, 28]),
      await write(folder, `${name}-labels-idx1-ubyte`, labels as Uint8Array, [labels.length]),
    );
  }
  return paths;
}

/** An IDX file of bytes: 0 0, the type, the number of dimensions, each as a big-endian word. */
async function write(folder: string, name: string, bytes: Uint8Array, shape: number[]): Promise<string> {
  const head = Buffer.alloc(4 + 4 * shape.length);
  head.set([0, 0, 8, shape.length]);
  shape.forEach((size, i) => head.writeUInt32BE(size, 4 + 4 * i));
  const path = join(folder, `${name}.gz`);
  await writeFile(path, gzipSync(Buffer.concat([head, bytes]), { level: 1 }));
  return path;
}
