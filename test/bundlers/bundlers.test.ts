import { createHash } from 'node:crypto';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ISOLATION, launch } from '../browser/browser.js';
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
function policyFor({ inline }: Built): string {
  const hash = inline && `'sha256-${createHash('sha256').update(inline).digest('base64')}'`;
  return `default-src 'self'; script-src 'self' 'wasm-unsafe-eval' ${hash ?? ''}`;
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
    const headers = { 'content-security-policy': policyFor(built), ...isolation };
    const { url, close } = await built.serve(headers);
    try {
      const { error, here, worker } = await outcomeOf(url);
      expect(error).toBeUndefined();
      expect(here.info).toMatchObject({ backend: 'wasm' });
      expect(here.losses.at(-1)).toBeLessThan(here.losses[0]!);
      expect(worker).toEqual(here);
    } finally {
      close();
    }
  });
});
