import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Backend, manualSeed, type StateDict } from 'twill';
import {
  type Absence,
  ArticleCnn,
  type ArticleData,
  allTables,
  articleData,
  benchSvg,
  busyWarning,
  contenders,
  type Findings,
  isSame,
  load,
  type Machine,
  nativeBackends,
  Progress,
  renderMarkdown,
  renderText,
  runSuite,
  slug,
  summaryTables,
  thisMachine,
  TwillRunner,
} from 'twill/bench';
import { type Latency, latencyTable, measureLatencies } from './lib/latency.js';
import { measureMemory, memoryTable, type MemoryUse } from './lib/memory.js';
import { type BenchOptions, isSection, parseOptions } from './lib/options.js';
import { type Peers, startPeers, writeInputs } from './lib/peers.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const RESULTS = join(ROOT, 'bench/results');

/** Measures what was asked for, prints it, and writes it where a place was given. */
async function main(args: readonly string[]): Promise<void> {
  const options = parseOptions(args, RESULTS);
  const machine = await thisMachine();
  const data = await articleData(options.data);
  manualSeed(0);
  const weights = new ArticleCnn().stateDict();
  const { backends, absences: missing } = await contenders(options.backends, options.threads);
  const sweeping = backends.filter((backend) => options.sweepThreads.includes(backend.info().threads));
  const runners = backends.map((backend) => new TwillRunner(backend, data, weights));
  const sweepers = sweeping.map((backend) => new TwillRunner(backend, data, weights));

  const folder = mkdtempSync(join(tmpdir(), 'twill-bench-'));
  const peers = options.peers ? await openPeers(options, backends, folder, weights, data) : NO_PEERS;
  const progress = new Progress(process.stderr);
  try {
    const findings = await runSuite({
      runners: [...runners, ...peers.runners],
      sweepers: [...sweepers, ...peers.sweepers],
      backends: options.only.includes('peak') ? withOtherSets(backends, options) : [],
      dissected: backends,
      data,
      sections: options.only.filter(isSection),
      layers: options.layers,
      epochs: options.epochs,
      quick: options.quick,
      onProgress: (what) => progress.show(what),
    });
    progress.show('latency');
    const wanted = options.only.includes('latency');
    const latencies = wanted ? await measureLatencies(backends, data, weights, options.quick) : [];
    progress.show('memory');
    const memory = options.only.includes('memory') ? await memoryUses(options, folder) : NO_MEMORY;
    machine.load.after = await load();
    progress.clear();
    const absences = [...missing, ...peers.absences, ...findings.absences, ...memory.absences];
    report(
      { findings: { ...findings, absences }, latencies, memory: memory.uses },
      machine,
      peers,
      data,
      options,
    );
  } finally {
    progress.clear();
    for (const peer of [...peers.runners, ...peers.sweepers]) peer.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const NO_MEMORY = { uses: [], absences: [] };

/** What steps take, in processes that start for it and end with it. */
async function memoryUses(
  { peers, threads }: BenchOptions,
  folder: string,
): Promise<{ uses: readonly MemoryUse[]; absences: readonly Absence[] }> {
  if (!peers) return NO_MEMORY;
  const started = await startPeers({
    parts: new Set(['memory']),
    threads: [Math.max(...threads)],
    sweepThreads: [],
    folder,
    yardsticks: { native: () => undefined, wasm: () => undefined },
  });
  const { uses, absences } = await measureMemory(started.runners);
  for (const peer of started.runners) peer.close();
  return { uses, absences: [...started.absences, ...absences] };
}

const NO_PEERS: Peers = { runners: [], sweepers: [], absences: [] };

/** The backends, and the native one on this machine's other instruction sets. */
function withOtherSets(backends: readonly Backend[], options: BenchOptions): Backend[] {
  if (!options.backends.includes('native')) return [...backends];
  const others = nativeBackends(1).filter((other) => !backends.some((backend) => isSame(backend, other)));
  return [...backends, ...others];
}

function openPeers(
  options: BenchOptions,
  backends: readonly Backend[],
  folder: string,
  weights: StateDict,
  data: ArticleData,
): Promise<Peers> {
  writeInputs(folder, weights, data);
  const yardstick = (name: string) => (threads: number) =>
    backends.find((one) => one.name === name && one.info().threads === threads);
  return startPeers({
    parts: new Set(options.only.filter(isSection)),
    threads: options.quick ? [Math.max(...options.threads)] : options.threads,
    sweepThreads: options.sweepThreads,
    folder,
    yardsticks: { native: yardstick('native'), wasm: yardstick('wasm') },
  });
}

interface Measured {
  readonly findings: Findings;
  readonly latencies: readonly Latency[];
  readonly memory: readonly MemoryUse[];
}

function report(
  { findings, latencies, memory }: Measured,
  machine: Machine,
  peers: Peers,
  data: ArticleData,
  { out, quick }: BenchOptions,
): void {
  const date = new Date().toISOString();
  const all = [...peers.runners, ...peers.sweepers];
  const warning = busyWarning(machine);
  const about = [
    ...(warning ? [warning] : []),
    `${machine.cpu}, ${machine.processors} processors, ${machine.memoryGiB} GiB`,
    `Node ${process.versions.node} on ${machine.system}`,
    `others used ${machine.load.before} processors before, ${machine.load.after} after`,
    isAbsolute(data.source) ? 'Fashion-MNIST' : data.source, // results are published: no machine's paths
    ...new Set(all.map(({ name, detail }) => `${name}: ${detail}`)),
  ];
  const extra = [
    ...(latencies.length > 0 ? [latencyTable(latencies)] : []),
    ...(memory.length > 0 ? [memoryTable(memory)] : []),
  ];
  console.log(`${about.join('\n')}\n\n${renderText([...allTables(findings), ...extra])}`);
  if (!out) return;
  mkdirSync(out, { recursive: true });
  const base = join(out, `${date.slice(0, 10)}-${slug(machine.cpu)}`);
  const versions = { commit: commit(), node: process.versions.node, v8: process.versions.v8 };
  const content = { schema: 1, date, quick, machine, versions, about, ...findings, latencies, memory };
  writeFileSync(`${base}.json`, `${JSON.stringify(content, undefined, 1)}\n`);
  writeFileSync(
    `${base}.svg`,
    benchSvg(findings, `${machine.cpu}, ${machine.processors} processors, ${date.slice(0, 10)}`),
  );
  const lines = about.map((line) => `- ${line}`).join('\n');
  writeFileSync(
    `${base}.md`,
    `${lines}\n\n${renderMarkdown([...summaryTables(findings), ...(memory.length > 0 ? [memoryTable(memory)] : [])])}`,
  );
  console.log(`written: ${base}.json, .svg, .md`);
}

/** The state of the repository that was measured; undefined outside of one. */
function commit(): string | undefined {
  try {
    const args = ['describe', '--always', '--dirty'];
    return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return undefined;
  }
}

await main(process.argv.slice(2));
// Peers' pipes and idle threads need not be waited for.
process.exit(0);
