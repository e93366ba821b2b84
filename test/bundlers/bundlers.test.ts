import { availableParallelism } from 'node:os';
import type { Browser, Route } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { BackendInfo } from '../../src/index.node.js';
import { ISOLATION, launch } from '../browser/browser.js';
import { BUILDS, type Built, oneFile } from './builds.js';
import { createProject, type Project } from './project.js';

interface Side {
  readonly losses: readonly number[];
  readonly info: BackendInfo;
}
type Outcome = { readonly error?: string; readonly here: Side; readonly worker: Side };

// On a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let project: Project;
let browser: Browser;
beforeAll(async () => {
  [project, browser] = await Promise.all([createProject(), launch()]);
});
afterAll(async () => {
  await browser?.close();
  await project?.remove();
});

type Answer = Parameters<Route['fulfill']>[0];

/** What the page at `url` leaves; requests for a `.wasm` file get `answer`, should there be one. */
async function outcomeOf(url: string, answer?: Answer): Promise<Outcome> {
  const page = await browser.newPage();
  try {
    if (answer) await page.route('**/*.wasm', (route) => route.fulfill(answer));
    await page.goto(url);
    await page.waitForFunction(() => 'outcome' in globalThis);
    return await page.evaluate(() => (globalThis as unknown as { outcome: Outcome }).outcome);
  } finally {
    await page.close();
  }
}

function expectTraining({ error, here, worker }: Outcome, kernels?: 'train'): void {
  expect(error).toBeUndefined();
  expect(here.info.backend).toBe('wasm');
  expect(here.losses.length).toBe(10);
  expect(here.losses.at(-1)).toBeLessThan(0.95 * here.losses[0]!);
  expect(here.info.kernels).toBe(kernels);
  expect(worker.losses).toEqual(here.losses);
  expect({ ...worker.info, kernels }).toEqual({ ...here.info, kernels });
}

describe.each(Object.entries({ ...BUILDS, 'everything in one file': oneFile }))(
  'an app with %s',
  (name, build) => {
    let built: Built;
    beforeAll(async () => {
      built = await build(project);
    });

    /** Calls back with the app's address while it is served. */
    async function served<T>(headers: Record<string, string>, use: (url: string) => Promise<T>): Promise<T> {
      const { url, close } = await built.serve({ 'content-security-policy': built.policy, ...headers });
      try {
        return await use(url);
      } finally {
        close();
      }
    }

    it.each([
      ['without isolation', {}],
      ['with isolation', ISOLATION],
    ])('trains on the page and in a worker, %s', async (_, isolation) => {
      const outcome = await served(isolation, outcomeOf);
      // What is one file holds the modules that have everything.
      expectTraining(outcome, name in BUILDS ? 'train' : undefined);
      const { threads, fallbacks } = outcome.here.info;
      const mayShare = isolation === ISOLATION && name in BUILDS;
      expect(threads > 1).toBe(mayShare && availableParallelism() > 1);
      if (!mayShare) expect(fallbacks.join()).toMatch(/one thread: .*(isolat|no modules with threads)/);
    });

    // What is one file has its module within it.
    it.runIf(name in BUILDS)('says what came in place of a .wasm file', async () => {
      const wrong = { contentType: 'text/html', body: '<!doctype html>nothing here' };
      const { error } = await served({}, (url) => outcomeOf(url, wrong));
      expect(error).toMatch(
        /^BackendUnavailableError .*http:\S+\.wasm\b.*\b200\b.*\btext\/html\b.*\b3c 21 64 6f\b/s,
      );
    });
  },
);

describe('a plain script', () => {
  it('says so where there is no .wasm file', async () => {
    const { serve, policy } = await BUILDS['a plain script']!(project);
    const { url, close } = await serve({ 'content-security-policy': policy });
    const missing = { status: 404, contentType: 'text/plain', body: 'no such file' };
    const { error } = await outcomeOf(url, missing).finally(close);
    expect(error).toMatch(
      /^BackendUnavailableError .*http:\S+\.wasm\b.*\b404\b.*\btext\/plain\b.*\b6e 6f 20 73\b/s,
    );
  });
});

describe('everything in one file', () => {
  it('trains where it is opened from the disk, without a server', async () => {
    await oneFile(project);
    expectTraining(await outcomeOf(new URL('index.html', project.folder('inline')).href));
  });

  it('says so where the policy forbids its worker', async () => {
    const { policy, serve } = await oneFile(project);
    const { url, close } = await serve({
      'content-security-policy': policy.replace('worker-src blob:;', ''),
    });
    const { error } = await outcomeOf(url).finally(close);
    expect(error).toMatch(/^WorkerError .*\bworker-src\b/);
  });
});
