import { describe, expect, it } from 'vitest';
import { ArticleCnn, batches, IMAGE_SHAPE } from '../src/bench/article.js';
import { forwardFlops, stepFlops } from '../src/bench/flops.js';
import { recording, singleCalls } from '../src/bench/calls.js';
import { benchSvg } from '../src/bench/chart.js';
import type { Figure, Findings } from '../src/bench/figures.js';
import { batchOf, flopsOf, LAYERS } from '../src/bench/layers.js';
import { type Effort, interleave, quantile, type Sampler, timed } from '../src/bench/measure.js';
import { isFusable, LayerPasses, PASSES } from '../src/bench/passes.js';
import type { Runner } from '../src/bench/runner.js';
import { runSuite } from '../src/bench/suite.js';
import { allTables, renderMarkdown, renderText } from '../src/bench/tables.js';
import { articleTrainer, TwillRunner } from '../src/bench/twill.js';
import { ImageDataset } from '../src/data/dataset.js';
import { ProgramBuilder } from '../src/graph/program.js';
import { Generator, manualSeed } from '../src/index.node.js';
import { everyBackend, wasm } from './runtime-backends.js';

const effort: Effort = { seconds: 0, rounds: 3, maxRounds: 6, patience: 100, statistic: 'best' };

/** A sampler that takes the given times, one a round, the last one for ever. */
function scripted(name: string, times: readonly number[], log: string[] = []): Sampler {
  let round = 0;
  return () => {
    log.push(name);
    return [times[Math.min(round++, times.length - 1)]!];
  };
}

describe('interleave', () => {
  it('takes turns and leaves the first round out', async () => {
    const log: string[] = [];
    const [a, b] = await interleave([scripted('a', [9, 1], log), scripted('b', [0.5, 2], log)], effort);
    expect(log.join('')).toBe('abababab');
    expect(a).toEqual({ seconds: 1, best: 1, spread: 0, rounds: 3, runs: 3 });
    expect(b!.best).toBe(2);
  });

  it('goes on while the three quietest rounds disagree, and says by how much they do', async () => {
    const [settled] = await interleave([scripted('a', [1, 5, 1, 3, 1.02, 1.01])], effort);
    expect(settled).toMatchObject({ seconds: 1, rounds: 5 });
    expect(settled!.spread).toBeCloseTo(0.02);
    const [restless] = await interleave([scripted('a', [1, 1, 2, 3, 4, 5, 6])], effort);
    expect(restless).toMatchObject({ seconds: 1, rounds: 6, spread: 2 });
  });

  it('counts the best run of a round or its median', async () => {
    const sampler: Sampler = () => [3, 1, 2];
    const [best] = await interleave([sampler], effort);
    const [median] = await interleave([sampler], { ...effort, statistic: 'median' });
    expect([best!.seconds, median!.seconds, median!.best]).toEqual([1, 2, 1]);
  });

  it('measures a slow sampler at least once and then no more', async () => {
    const [slow] = await interleave([scripted('a', [1])], { ...effort, patience: 0 });
    expect(slow).toMatchObject({ seconds: 1, rounds: 1, spread: undefined });
  });

  it('samples a function for a while, at least once', () => {
    let runs = 0;
    const sample = timed(() => void runs++);
    expect(sample(0)).toHaveLength(1);
    expect(runs).toBeGreaterThan(1);
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(3);
  });
});

describe('nominal arithmetic', () => {
  it("is 1.64 GFLOP for the article's step at batch 100", () => {
    expect(forwardFlops(new ArticleCnn(), IMAGE_SHAPE)).toBe(
      2 * (16 * 784 * 25 + 32 * 196 * 16 * 25 + 1568 * 10),
    );
    expect((100 * stepFlops(new ArticleCnn(), IMAGE_SHAPE)) / 1e9).toBeCloseTo(1.64, 2);
  });

  it('counts the taps of a layer', () => {
    const depthwise = LAYERS.find(({ name }) => name === '64→64 3x3 28x28 stride 2 depthwise')!;
    expect(flopsOf(depthwise)).toBe(2 * 64 * 14 * 14 * 9);
    expect(new Set(LAYERS.map(({ name }) => name)).size).toBe(LAYERS.length);
    for (const layer of LAYERS) expect(batchOf(layer)).toBeGreaterThanOrEqual(16);
  });
});

function madeUp(count: number): ImageDataset {
  const generator = new Generator(1);
  const images = Uint8Array.from({ length: count * 784 }, () => generator.integer(256));
  const labels = Uint8Array.from({ length: count }, () => generator.integer(10));
  return new ImageDataset({ images, labels, shape: [1, 28, 28] });
}

const data = { train: madeUp(250), test: madeUp(100), source: 'made up' };

function initialWeights() {
  manualSeed(3);
  return new ArticleCnn().stateDict();
}

it('goes through the batches of a data set in order, over and over', () => {
  const { images, labels } = data.train;
  const source = batches(data.train, 100);
  const starts = [0, 100, 0].map((start) => [
    labels.slice(start, start + 100),
    images.slice(start * 784, (start + 100) * 784),
  ]);
  for (const [expectedLabels, expectedImages] of starts) {
    const batch = source.next().value!;
    expect([batch.labels, batch.images]).toEqual([expectedLabels, expectedImages]);
  }
});

describe.each(everyBackend())('%s', (_name, backend) => {
  it('has peak kernels that compute', () => {
    const builder = new ProgramBuilder(backend, 1);
    const result = builder.whole(5 * 4);
    const [source, target] = [builder.whole(37 * 4), builder.whole(37 * 4)];
    builder.call('peak_fma', { count: 5, rounds: 30 }, { result });
    builder.call('peak_copy', { count: 37 }, { source, target });
    const program = builder.build();
    const values = Float32Array.from({ length: 37 }, (_, i) => i - 0.5);
    program.write(source, values);
    program.run(1);
    const [ones, copy] = [new Float32Array(5), new Float32Array(37)];
    program.read(result, ones);
    program.read(target, copy);
    expect([...ones]).toEqual([1, 1, 1, 1, 1]);
    expect(copy).toEqual(values);
    program.dispose();
  });

  it('takes a step apart into calls that are the step, one after another', () => {
    const run = (apart: boolean) => {
      const recorder = recording(backend);
      const model = new ArticleCnn();
      model.loadStateDict(initialWeights());
      const trainer = articleTrainer(model, 20, recorder.backend);
      const { images, labels } = batches(data.train, 20).next().value!;
      trainer.stepSync(images, labels);
      // Taking it apart runs all calls once; the second time they run one by one.
      const calls = apart ? singleCalls(backend, recorder.programs.at(-1)!) : [];
      if (apart) for (const call of calls) call.run(20);
      else for (let i = 0; i < 2; i++) trainer.stepSync(images, labels);
      const weights = model.parameters().map((parameter) => parameter.read());
      trainer.dispose();
      return { weights, calls };
    };
    const { weights, calls } = run(true);
    expect(weights).toEqual(run(false).weights);
    const nominal = calls.reduce((sum, { flops }) => sum + flops, 0);
    expect(nominal).toBe(stepFlops(new ArticleCnn(), IMAGE_SHAPE));
  });
});

it('measures each pass through a layer by the kernels of that pass alone', () => {
  const backend = wasm();
  const names = [...backend.kernels.keys()];
  const small = { ...LAYERS[1]!, IC: 3, OC: 5, size: 6 };
  const called = (fused: boolean) =>
    PASSES.map((pass) => {
      const recorder = recording(backend);
      const passes = new LayerPasses(recorder.backend, small, 2, fused);
      passes.run(pass);
      passes.dispose();
      const { words } = recorder.programs.at(-1)!;
      return names[words[10 + 6 * words[8]! + 3]!];
    });
  expect(called(false)).toEqual(['conv2d_forward', 'conv2d_backward_input', 'conv2d_backward_weight']);
  expect(called(true)).toEqual([
    'conv2d_pool_forward',
    'conv2d_pool_backward_input',
    'conv2d_pool_backward_weight',
  ]);
  expect(isFusable({ ...small, pool: 9 })).toBe(false);
});

describe('runSuite', () => {
  const backend = wasm();
  const layer = { ...LAYERS[1]!, name: 'small', IC: 2, OC: 3, size: 6 };

  it('measures everything there is, with the peak of the same rounds', async () => {
    const { figures, absences } = await runSuite({
      runners: [new TwillRunner(backend, data, initialWeights())],
      backends: [backend],
      dissected: [backend],
      data,
      layers: [layer],
      quick: true,
      epochs: 1,
    });
    expect(absences).toEqual([]);
    const seen = new Set(
      figures.map(({ section, pass }) => (section === 'traffic' ? section : (pass ?? section))),
    );
    expect([...seen].sort()).toEqual(
      [
        'calls',
        'inference',
        'networks',
        'peak',
        'step',
        'traffic',
        'training',
        ...PASSES,
        ...PASSES.map((pass) => `fused ${pass}`),
      ].sort(),
    );
    for (const figure of figures) {
      expect(figure.timing.seconds).toBeGreaterThan(0);
      if (!['peak', 'traffic', 'training'].includes(figure.section)) expect(figure.peak).toBeGreaterThan(1e8);
    }
  });

  it('leaves out who computes something else, and who fails, with the reason', async () => {
    const other = (name: string, prepare: Runner['prepare']): Runner => {
      return { name, threads: 1, yardstick: undefined, prepare };
    };
    const sample = () => [1];
    const dispose = () => {};
    const { figures, absences } = await runSuite({
      runners: [
        new TwillRunner(backend, data, initialWeights()),
        other('wrong', async () => ({ check: 7, sample, dispose })),
        other('broken', () => Promise.reject(new Error('no such thing'))),
        other('unable', async () => undefined),
      ],
      backends: [],
      dissected: [],
      data,
      sections: ['step'],
      quick: true,
    });
    expect(figures.map(({ runner }) => runner)).toEqual(['Twill wasm simd128']);
    expect(absences.map(({ runner, why }) => [runner, why.split(':')[0]])).toEqual([
      ['broken', 'no such thing'],
      ['wrong', 'it computes something else'],
    ]);
  });
});

describe('what is told of figures', () => {
  const timing = (seconds: number, spread = 0) => ({ seconds, best: seconds, spread, rounds: 4, runs: 10 });
  const native = { runner: 'Twill native avx2', threads: 1, peak: 100e9 };
  const step = { section: 'step', what: 'batch 100', images: 100, flops: 1.64e9 } as const;
  const layer = { section: 'sweep', what: '16→32 3x3', pass: 'forward', flops: 5e8 } as const;
  const figures: Figure[] = [
    { ...step, ...native, timing: timing(0.01) },
    { ...step, runner: 'PyTorch <1.13>', threads: 1, timing: timing(0.02, 0.1), peak: 100e9 },
    { ...step, runner: 'jax|js', threads: 1, timing: timing(0.5, 0.9), peak: 40e9 },
    { ...layer, ...native, timing: timing(0.01) },
    { ...layer, runner: 'oneDNN 2.6', threads: 1, timing: timing(0.012), peak: 100e9 },
  ];
  const findings: Findings = {
    figures,
    absences: [{ runner: 'onnxruntime-web', why: 'it is not installed' }],
  };

  it('gives ratios, marks what is unsure, and says nothing of what is hopeless', () => {
    const text = renderText(allTables(findings));
    const cells = (start: string) =>
      text
        .split('\n')
        .find((line) => line.startsWith(start))!
        .split(/ {2,}/)
        .slice(1);
    expect(cells('Twill native avx2, 1 thread, batch 100')).toEqual(['10.0', '10,000', '0.61x', '1.00x']);
    expect(cells('PyTorch')).toEqual(['~20.0', '~5,000', '1.22x', '2.00x']);
    expect(cells('jax')).toEqual(['?', '?']);
    expect(cells('16→32 3x3')).toEqual(['50 %', '1.20x']);
    expect(cells('onnxruntime-web')).toEqual(['all', 'it is not installed']);
    expect(text).toContain('~: the rounds of this figure disagree by more than 5 %');
  });

  it('writes tables that Markdown reads', () => {
    const lines = renderMarkdown(allTables(findings)).split('\n');
    expect(lines).toContain('| jax\\|js, 1 thread, batch 100 | ? | ? |  |  |');
    expect(lines).toContain('### A training step');
  });

  it('draws what can be said', () => {
    const svg = benchSvg(findings, 'a machine');
    expect(svg).toMatch(/^<svg [^>]*viewBox="0 0 900 \d+"/);
    expect(svg).toContain('PyTorch &#60;1.13&#62;, 1 thread');
    expect(svg).not.toContain('jax');
    expect(svg.match(/<rect [^>]*rx="2"/g)).toHaveLength(2);
    expect(svg).toContain('rings: oneDNN');
  });
});
