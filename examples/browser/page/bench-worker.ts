import { contenders, type Findings, runSuite, TwillRunner } from '../../../dist/bench/index.js';
import { ArticleCnn, loadBackend } from './twill.js';
import type { ImageDatasetParts } from './bench-panel.js';
import { ImageDataset } from '../../../dist/data/index.browser.js';

/** To the page: what is measured next, what came out, or why nothing did. */
export type BenchMessage =
  { readonly progress: string } | { readonly findings: Findings } | { readonly error: string };

const post = (message: BenchMessage) => postMessage(message);

self.onmessage = async ({ data }: MessageEvent<ImageDatasetParts>) => {
  try {
    const images = new ImageDataset(data);
    const articleData = { train: images, test: images, source: 'the page' };
    const threads = [...new Set([1, (await loadBackend()).info().threads])];
    const { backends, absences } = await contenders(['wasm'], threads);
    const weights = new ArticleCnn().stateDict();
    const findings = await runSuite({
      runners: backends.map((backend) => new TwillRunner(backend, articleData, weights)),
      backends,
      dissected: [],
      data: articleData,
      sections: ['peak', 'step', 'inference'],
      quick: true,
      onProgress: (progress) => post({ progress }),
    });
    post({ findings: { ...findings, absences: [...absences, ...findings.absences] } });
  } catch (error) {
    post({ error: error instanceof Error ? error.message : String(error) });
  }
};
