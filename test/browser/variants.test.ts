import { createHash } from 'node:crypto';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nativeInstructionSets } from '../../src/backend/native.node.js';
import * as data from '../../src/data/index.node.js';
import * as twill from '../../src/index.node.js';
import type { Backend } from '../../src/index.node.js';
import { native } from '../runtime-backends.js';
import { BROWSER, ISOLATION, launch, serve } from './browser.js';

/** Trains a network on made-up images and returns its weights; the page runs the text of this function. */
async function train(
  { Conv2d, fit, Flatten, Generator, Linear, MaxPool2d, ReLU, Sequential, SGD, toBytes }: typeof twill,
  { ImageDataset }: Pick<typeof data, 'ImageDataset'>,
  backend: Backend,
): Promise<Uint8Array> {
  const generator = new Generator(7);
  const model = new Sequential(
    new Conv2d(1, 16, 5, { padding: 2, generator }),
    new ReLU(),
    new MaxPool2d(2),
    new Conv2d(16, 19, 3, { padding: 1, generator }),
    new ReLU(),
    new MaxPool2d(2),
    new Flatten(),
    new Linear(19 * 3 * 3, 10, { generator }),
  );
  const images = Uint8Array.from({ length: 230 * 144 }, () => Math.max(0, generator.integer(512) - 256));
  const labels = Uint8Array.from({ length: 230 }, () => generator.integer(10));
  const set = new ImageDataset({ images, labels, shape: [1, 12, 12] });
  await fit(model, set, { epochs: 2, batchSize: 64, optimizer: new SGD({ lr: 0.05 }), backend }).finish();
  return toBytes(model);
}

interface Trained {
  readonly isa: string;
  readonly threads: number;
  readonly fallbacks: readonly string[];
  readonly weights: string;
}

const PAGE = `<!doctype html>
<script type="module">
import * as twill from '/dist/index.browser.js';
import * as data from '/dist/data/index.browser.js';
${train.toString()}
window.trained = (async () => {
  const all = [];
  for (const isa of ['simd128', 'relaxed-simd128']) {
    for (const threads of [1, 2, 3]) {
      const backend = await twill.loadBackend({ backend: 'wasm', isa, threads });
      const bytes = await train(twill, data, backend);
      const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
      const weights = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
      all.push({ ...backend.info(), weights });
    }
  }
  return all;
})();
</script>`;

async function weightsOf(backend: Backend): Promise<string> {
  return createHash('sha256')
    .update(await train(twill, data, backend))
    .digest('hex');
}

describe(`the WebAssembly modules in ${BROWSER}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());

  async function visit(headers: Readonly<Record<string, string>>): Promise<Trained[]> {
    const dist = new URL('../../dist/', import.meta.url);
    const site = await serve({ pages: { '/': PAGE }, folders: { '/dist/': dist }, headers });
    const page = await browser.newPage();
    try {
      await page.goto(site.url);
      return await page.evaluate(() => (globalThis as unknown as { trained: Promise<Trained[]> }).trained);
    } finally {
      await page.close();
      site.close();
    }
  }

  // Plain WebAssembly has the bits of SSE2, which other processors do not have.
  it.runIf(process.arch === 'x64')(
    'learn the bits of native code, fused and not, on any number of threads',
    { timeout: 120_000 },
    async () => {
      const trained = await visit(ISOLATION);
      expect(trained.map(({ isa, threads }) => `${isa} ${threads}`)).toEqual(
        ['simd128', 'relaxed-simd128'].flatMap((isa) => [1, 2, 3].map((threads) => `${isa} ${threads}`)),
      );
      const fused = nativeInstructionSets().find((isa) => isa !== 'sse2');
      const plain = await weightsOf(native('sse2'));
      const relaxed = fused && (await weightsOf(native(fused)));
      for (const { isa, threads, weights } of trained) {
        expect(weights, `${isa}, threads: ${threads}`).toBe(isa === 'simd128' ? plain : (relaxed ?? weights));
      }
      expect(relaxed).not.toBe(plain);
    },
  );

  it('compute on one thread where the page is not isolated, and say so', { timeout: 120_000 }, async () => {
    for (const { threads, fallbacks } of (await visit({})).slice(1, 3)) {
      expect(threads).toBe(1);
      expect(fallbacks).toContainEqual(expect.stringContaining('not cross-origin isolated'));
    }
  });
});
