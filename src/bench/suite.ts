import type { Backend } from '../backend/backend.js';
import type { Program } from '../graph/program.js';
import { ArticleCnn, type ArticleData, BATCH, batches, IMAGE_SHAPE } from './article.js';
import { runnerName } from './backends.js';
import { recording, singleCalls } from './calls.js';
import { type Absence, type Figure, type Findings, SECTIONS, type Section } from './figures.js';
import { forwardFlops, stepFlops } from './flops.js';
import { batchOf, flopsOf, LAYERS, type Layer } from './layers.js';
import { type Effort, interleave, type Sampler, timed, timingOf } from './measure.js';
import { NETWORKS } from './networks.js';
import { isFusable, PASSES, type Pass } from './passes.js';
import { PEAK_FLOPS, peakCopy, peakFma } from './peak.js';
import type { Prepared, Runner, Task } from './runner.js';
import { IMAGES, movers, TENSOR_BYTES } from './traffic.js';
import { articleTrainer } from './twill.js';

export interface SuiteOptions {
  /** Who computes the steps, inferences and trainings; interleaved. */
  readonly runners: readonly Runner[];
  /** Who computes the sweep of layers; default all runners. */
  readonly sweepers?: readonly Runner[];
  /** Backends whose peaks are measured. */
  readonly backends: readonly Backend[];
  /** Backends whose step is taken apart into its calls. */
  readonly dissected: readonly Backend[];
  readonly data: ArticleData;
  readonly sections?: readonly Section[];
  readonly layers?: readonly Layer[];
  /** Less of everything, in a fraction of the time. */
  readonly quick?: boolean;
  /** Epochs of the trainings; default 6, none when quick. */
  readonly epochs?: number;
  /** What is measured next. */
  readonly onProgress?: (what: string) => void;
}

/** Runs the bench: everything that is measured side by side is measured interleaved, the FMA peak along with it. */
export async function runSuite(options: SuiteOptions): Promise<Findings> {
  const suite = new Suite(options);
  for (const section of options.sections ?? SECTIONS) await suite.run(section);
  return suite.findings();
}

const KIB = 1024;
const MIB = 1024 * KIB;

/** Kernels by themselves, and whatever has more to it, each for a full and for a quick run. */
const EFFORTS: Readonly<{ [what in 'kernels' | 'whole']: { full: Effort; quick: Effort } }> = {
  kernels: {
    full: { seconds: 0.05, rounds: 4, maxRounds: 10, patience: 3, statistic: 'best' },
    quick: { seconds: 0.01, rounds: 3, maxRounds: 4, patience: 0.2, statistic: 'best' },
  },
  whole: {
    full: { seconds: 0.4, rounds: 5, maxRounds: 12, patience: 10, statistic: 'median' },
    quick: { seconds: 0.06, rounds: 3, maxRounds: 4, patience: 0.5, statistic: 'median' },
  },
};

interface Contest {
  readonly section: Section;
  readonly what: string;
  readonly pass?: string;
  readonly task: Task;
  readonly flops: number;
  readonly images: number;
}

class Suite {
  readonly #options: SuiteOptions;
  readonly #figures: Figure[] = [];
  readonly #absences: Absence[] = [];
  readonly #peaks = new Map<Backend, Program>();

  constructor(options: SuiteOptions) {
    this.#options = options;
  }

  findings(): Findings {
    return { figures: this.#figures, absences: this.#absences };
  }

  async run(section: Section): Promise<void> {
    switch (section) {
      case 'peak':
        return this.#limits();
      case 'sweep':
        return this.#sweep();
      case 'step':
        return this.#steps();
      case 'calls':
        return this.#calls();
      case 'networks':
        return this.#networks();
      case 'traffic':
        return this.#traffic();
      case 'inference':
        return this.#inferences();
      case 'training':
        return this.#trainings();
    }
  }

  async #limits(): Promise<void> {
    const { backends } = this.#options;
    // Level-2 caches belong to one core each; waking the other threads would take longer than such a copy.
    const copies = [
      { what: 'copy 2 x 128 KiB', bytes: 128 * KIB, on: backends.filter((one) => one.info().threads === 1) },
      { what: 'copy 2 x 64 MiB', bytes: 64 * MIB, on: backends },
    ];
    this.#progress('peak: multiply-adds');
    await this.#measureAll(
      backends.map((backend) => {
        const program = this.#peak(backend);
        const figure = {
          section: 'peak' as const,
          what: 'multiply-add',
          ...named(backend),
          flops: PEAK_FLOPS,
        };
        return { figure, sample: timed(() => program.run(1)) };
      }),
    );
    for (const { what, bytes, on } of copies) {
      this.#progress(`peak: ${what}`);
      const programs = on.map((backend) => ({ backend, program: peakCopy(backend, bytes) }));
      await this.#measureAll(
        programs.map(({ backend, program }) => ({
          figure: { section: 'peak' as const, what, ...named(backend), bytes: 2 * bytes },
          sample: timed(() => program.run(1)),
        })),
      );
      for (const { program } of programs) program.dispose();
    }
  }

  async #sweep(): Promise<void> {
    const { quick, runners, sweepers = runners } = this.#options;
    const layers = this.#options.layers ?? LAYERS.filter((layer) => !quick || layer.quick);
    for (const layer of layers) {
      for (const pass of PASSES) await this.#layer(layer, pass, false, sweepers);
      if (isFusable(layer)) for (const pass of PASSES) await this.#layer(layer, pass, true, sweepers);
    }
  }

  async #layer(layer: Layer, pass: Pass, fused: boolean, runners: readonly Runner[]): Promise<void> {
    const batch = batchOf(layer);
    const contest = {
      section: 'sweep' as const,
      what: layer.name,
      pass: fused ? `fused ${pass}` : pass,
      task: { kind: 'layer' as const, layer, pass, batch, fused },
      flops: batch * flopsOf(layer),
      images: batch,
    };
    await this.#contest(contest, runners, 'kernels');
  }

  async #steps(): Promise<void> {
    const contest = {
      section: 'step' as const,
      what: `batch ${BATCH}`,
      task: { kind: 'step' as const, batch: BATCH },
      flops: articleStepFlops(),
      images: BATCH,
    };
    await this.#contest(contest, this.#options.runners, 'whole');
  }

  /** Steps of other networks, each by everybody on as many threads as there are. */
  async #networks(): Promise<void> {
    for (const network of this.#options.quick ? NETWORKS.slice(0, 1) : NETWORKS) {
      const contest = {
        section: 'networks' as const,
        what: network.name,
        task: { kind: 'network' as const, network, batch: BATCH },
        flops: BATCH * stepFlops(network.model(), network.shape),
        images: BATCH,
      };
      await this.#contest(contest, this.#onAllThreads(), 'whole');
    }
  }

  /** Each runner once, on the most threads that it is there for. */
  #onAllThreads(): Runner[] {
    const { runners } = this.#options;
    return runners.filter(({ name, threads }) =>
      runners.every((other) => other.name !== name || other.threads <= threads),
    );
  }

  async #inferences(): Promise<void> {
    for (const batch of [BATCH, 1]) {
      const contest = {
        section: 'inference' as const,
        what: `batch ${batch}`,
        task: { kind: 'inference' as const, batch },
        flops: batch * forwardFlops(new ArticleCnn(), IMAGE_SHAPE),
        images: batch,
      };
      await this.#contest(contest, this.#options.runners, 'whole');
    }
  }

  /** The calls of a step by themselves, on what a real step left in their buffers. */
  async #calls(): Promise<void> {
    for (const backend of this.#options.dissected) {
      const { runner, threads } = named(backend);
      this.#progress(`calls of a step: ${runner}, ${threads} threads`);
      const recorder = recording(backend);
      // No learning rate: the update runs over and over on one and the same gradient.
      const trainer = articleTrainer(new ArticleCnn(), BATCH, recorder.backend, 0);
      const { images, labels } = batches(this.#options.data.train, BATCH).next().value!;
      const step = () => void trainer.stepSync(images, labels);
      step();
      const calls = singleCalls(backend, recorder.programs.at(-1)!);
      const common = { section: 'calls' as const, runner, threads, images: BATCH };
      const parts = calls.map(({ kernel, flops, run }, index) => ({
        figure: { ...common, what: `${index + 1} ${kernel}`, flops: flops > 0 ? flops * BATCH : undefined },
        sample: timed(() => run(BATCH)),
        yardstick: backend,
      }));
      const whole = {
        ...common,
        what: 'whole step',
        flops: articleStepFlops(),
      };
      await this.#measureAll([{ figure: whole, sample: timed(step), yardstick: backend }, ...parts]);
      trainer.dispose();
    }
  }

  /** Layers that mostly move data, on one thread: beside a copy of as much, all in one cache. */
  async #traffic(): Promise<void> {
    for (const backend of this.#options.dissected.filter((one) => one.info().threads === 1)) {
      const common = { section: 'traffic' as const, ...named(backend) };
      this.#progress(`layers that move data: ${common.runner}`);
      const copy = peakCopy(backend, TENSOR_BYTES);
      const parts = movers(backend).map(({ layer, kernel, bytes, run }) => ({
        figure: { ...common, what: layer, pass: kernel, bytes, images: IMAGES },
        sample: timed(() => run(IMAGES)),
      }));
      const whole = { ...common, what: 'copy', bytes: 2 * TENSOR_BYTES };
      await this.#measureAll([{ figure: whole, sample: timed(() => copy.run(1)) }, ...parts]);
      copy.dispose();
    }
  }

  /** Whole trainings, each by everybody on as many threads as there are. */
  async #trainings(): Promise<void> {
    const { quick, epochs = quick ? 0 : 6 } = this.#options;
    for (const runner of epochs > 0 ? this.#onAllThreads() : []) {
      if (!runner.train) continue;
      const { name, threads, yardstick } = runner;
      // One of WebAssembly's takes as long as several native ones.
      const count = yardstick?.name === 'wasm' ? 1 : epochs;
      this.#progress(`training, ${count} epochs: ${name}, ${threads} threads`);
      try {
        await this.#training(runner, count);
      } catch (error) {
        this.#absences.push({ runner: name, what: 'training', why: reason(error) });
      }
    }
  }

  async #training(runner: Runner, epochs: number): Promise<void> {
    const { train } = this.#options.data;
    const training = await runner.train!(epochs);
    const common = { section: 'training' as const, runner: runner.name, threads: runner.threads };
    const seconds = training.epochs.map((epoch) => epoch.train);
    const epoch = timingOf(seconds);
    const total = training.epochs.reduce((sum, one) => sum + one.train + one.validation, 0);
    this.#figures.push(
      { ...common, what: 'an epoch', timing: epoch, images: train.length },
      {
        ...common,
        what: seconds.length === 1 ? '1 epoch with validation' : `${seconds.length} epochs with validation`,
        timing: { ...epoch, seconds: total, best: total },
        accuracy: training.accuracy,
      },
    );
  }

  /** One task by everybody who can do it. */
  async #contest(contest: Contest, runners: readonly Runner[], kind: keyof typeof EFFORTS): Promise<void> {
    const { section, what, pass, task, flops, images } = contest;
    this.#progress([section, what, pass].filter(Boolean).join(': '));
    const entrants: { runner: Runner; prepared: Prepared }[] = [];
    for (const runner of runners) {
      try {
        const prepared = await runner.prepare(task);
        if (prepared) entrants.push({ runner, prepared });
      } catch (error) {
        this.#absences.push({
          runner: runner.name,
          what: [what, pass].filter(Boolean).join(' '),
          why: reason(error),
        });
      }
    }
    const honest = this.#sameResult(entrants, what);
    await this.#measureAll(
      honest.map(({ runner, prepared }) => ({
        figure: { section, what, pass, runner: runner.name, threads: runner.threads, flops, images },
        sample: prepared.sample,
        yardstick: runner.yardstick,
      })),
      kind,
    );
    for (const { prepared } of entrants) prepared.dispose();
  }

  /** Leaves out who computes something else than the first one does. */
  #sameResult<T extends { runner: Runner; prepared: Prepared }>(entrants: readonly T[], what: string): T[] {
    const expected = entrants[0]?.prepared.check;
    return entrants.filter(({ runner, prepared: { check } }) => {
      if (expected === undefined || check === undefined) return true;
      if (Math.abs(check - expected) <= 1e-3 * Math.max(1, Math.abs(expected))) return true;
      const why = `it computes something else: ${check} where ${entrants[0]!.runner.name} has ${expected}`;
      this.#absences.push({ runner: runner.name, what, why });
      return false;
    });
  }

  /** Measures in turns, each yardstick's peak among them. */
  async #measureAll(
    entries: readonly {
      readonly figure: Omit<Figure, 'timing' | 'peak'>;
      readonly sample: Sampler;
      readonly yardstick?: Backend | undefined;
    }[],
    kind: keyof typeof EFFORTS = 'kernels',
  ): Promise<void> {
    const yardsticks = [...new Set(entries.flatMap(({ yardstick }) => yardstick ?? []))];
    const peaks = yardsticks.map((backend) => this.#peakSampler(backend));
    const effort = EFFORTS[kind][this.#options.quick ? 'quick' : 'full'];
    const timings = await interleave([...peaks, ...entries.map(({ sample }) => sample)], effort);
    for (const [i, { figure, yardstick }] of entries.entries()) {
      const peak = yardstick && PEAK_FLOPS / timings[yardsticks.indexOf(yardstick)]!.seconds;
      this.#figures.push({ ...figure, timing: timings[yardsticks.length + i]!, peak });
    }
  }

  /** A peak takes a short while: it shows at what speed the machine runs just now. */
  #peakSampler(backend: Backend): Sampler {
    const sampler = timed(() => this.#peak(backend).run(1));
    return (seconds) => sampler(Math.min(seconds, 0.01));
  }

  #peak(backend: Backend): Program {
    const known = this.#peaks.get(backend) ?? peakFma(backend);
    this.#peaks.set(backend, known);
    return known;
  }

  #progress(what: string): void {
    this.#options.onProgress?.(what);
  }
}

/** Nominal arithmetic of the article's step. */
function articleStepFlops(): number {
  return BATCH * stepFlops(new ArticleCnn(), IMAGE_SHAPE);
}

function named(backend: Backend): { runner: string; threads: number } {
  return { runner: runnerName(backend), threads: backend.info().threads };
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
