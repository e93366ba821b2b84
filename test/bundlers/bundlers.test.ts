import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ISOLATION, launch, serve } from '../browser/browser.js';
import { BUILDS, type Built } from './builds.js';
import { createProject, type Project } from './project.js';

interface Side {
  readonly losses: readonly number[];
  readonly info: { backend: string; isa: string; threads: number; fallbacks: string[] };
}
type Outcome = { readonly error?: string; readonly here: Side; readonly worker: Side };

let project: Project;
let browser: Browser;
beforeAll(async () => {
  [project, browser] = await Promise.all([createProject(), launch()]);
});
afterAll(async () => {
  await browser?.close();
  await project?.remove();
});

/** Nothing evaluated, nothing from elsewhere; an import map is a script in the page, and is allowed by its hash. */
async function policyFor({ folder, path }: Built): Promise<string> {
  const html = await readFile(new URL(`${path}index.html`, folder), 'utf8');
  const scripts = [...html.matchAll(/<script type="importmap">(.*?)<\/script>/gs)];
  const hashes = scripts.map(
    ([, text]) => ` 'sha256-${createHash('sha256').update(text!).digest('base64')}'`,
  );
  return `default-src 'self'; script-src 'self' 'wasm-unsafe-eval'${hashes.join('')}`;
}

async function outcomeOf(url: string): Promise<Outcome> {
  const page = await browser.newPage();
  try {
    await page.goto(url);
    await page.waitForFunction(() => 'outcome' in globalThis);
    return await page.evaluate(() => (globalThis as unknown as { outcome: Outcome }).outcome);
  } finally {
    await page.close();
  }
}

describe.each(Object.entries(BUILDS))('an app with %s', (_, build) => {
  let built: Built;
  beforeAll(async () => {
    built = await build(project);
  });

  it.each([
    ['without isolation', {}],
    ['with isolation', ISOLATION],
  ])('trains on the page and in a worker, %s', async (_, isolation) => {
    const site = await serve({
      pages: {},
      folders: { '/': built.folder },
      headers: { 'content-security-policy': await policyFor(built), ...isolation },
    });
    try {
      const { error, here, worker } = await outcomeOf(new URL(built.path, site.url).href);
      expect(error).toBeUndefined();
      expect(here.info).toMatchObject({ backend: 'wasm' });
      expect(here.losses.at(-1)).toBeLessThan(here.losses[0]!);
      expect(worker).toEqual(here);
    } finally {
      site.close();
    }
  });
});
