import { Bench } from 'tinybench';
import { type Backend, Predictor, type StateDict } from 'twill';
import { ArticleCnn, type ArticleData, IMAGE_SHAPE, peakCopy, type Table } from 'twill/bench';

/** How long a single call takes, seen from JavaScript. */
export interface Latency {
  readonly what: string;
  readonly runner: string;
  readonly threads: number;
  /** Microseconds: half of the calls were faster, and 99 of 100. */
  readonly p50: number;
  readonly p99: number;
  readonly calls: number;
}

interface Timed {
  readonly what: string;
  readonly run: () => unknown;
}

/** What there is to call on a backend: a program that does next to nothing, and the article's network on one image. */
function calls(backend: Backend, data: ArticleData, weights: StateDict): Timed[] {
  const nothing = peakCopy(backend, 64);
  const model = new ArticleCnn();
  model.loadStateDict(weights);
  const predictor = new Predictor(model, { inputShape: IMAGE_SHAPE, batchSize: 1, backend });
  const image = data.test.images.subarray(0, 784);
  return [
    { what: 'a program of 16 floats', run: () => nothing.run(1) },
    { what: 'a program of 16 floats, async', run: () => nothing.runAsync(1) },
    { what: 'inference of one image', run: () => predictor.runSync(image) },
    { what: 'inference of one image, async', run: () => predictor.run(image) },
  ];
}

/** Measures single calls, all in turns, several times over; of each the quietest time counts. */
export async function measureLatencies(
  backends: readonly Backend[],
  data: ArticleData,
  weights: StateDict,
  quick: boolean,
): Promise<Latency[]> {
  const best = new Map<string, Latency>();
  const timed = backends.flatMap((backend) => {
    const { backend: name, isa, threads } = backend.info();
    const runner = `Twill ${name} ${isa}`;
    return calls(backend, data, weights).map((call) => ({ ...call, runner, threads }));
  });
  for (let round = 0; round < (quick ? 2 : 5); round++) {
    const bench = new Bench({ time: quick ? 40 : 200, warmupTime: 20, retainSamples: false });
    for (const [index, { run }] of timed.entries()) bench.add(String(index), run);
    await bench.run();
    for (const task of bench.tasks) {
      const { result } = task;
      if (result.state !== 'completed') throw new Error(`[latency] a call did not complete: ${result.state}`);
      const { what, runner, threads } = timed[Number(task.name)]!;
      const { p50, p99, samplesCount } = result.latency;
      const latency = { what, runner, threads, p50: 1000 * p50, p99: 1000 * p99, calls: samplesCount };
      const known = best.get(task.name);
      if (!known || latency.p50 < known.p50) best.set(task.name, latency);
    }
  }
  return [...best.values()];
}

export function latencyTable(latencies: readonly Latency[]): Table {
  return {
    title: 'Single calls from JavaScript',
    columns: ['', 'us, median', 'us, 99 of 100 below'],
    rows: latencies.map(({ what, runner, threads, p50, p99 }) => [
      `${runner}, ${threads} ${threads === 1 ? 'thread' : 'threads'}: ${what}`,
      p50.toFixed(1),
      p99.toFixed(1),
    ]),
    notes: ['Measured by tinybench; the quietest of several times.'],
  };
}
