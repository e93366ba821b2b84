import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import { LAYERS, type Layer, SECTIONS, type Section } from 'twill/bench';

/** What may be asked for with --only. */
const PARTS = [...SECTIONS, 'latency', 'memory'] as const;
export type Part = (typeof PARTS)[number];

export interface BenchOptions {
  readonly quick: boolean;
  readonly only: readonly Part[];
  readonly backends: readonly ('native' | 'wasm')[];
  /** For steps, inferences and trainings. */
  readonly threads: readonly number[];
  /** For the sweep of layers. */
  readonly sweepThreads: readonly number[];
  /** Undefined: those of the effort chosen. */
  readonly layers: readonly Layer[] | undefined;
  /** Of the trainings; undefined: those of the effort chosen. */
  readonly epochs: number | undefined;
  readonly peers: boolean;
  /** Where the results go; undefined where they only go to the terminal. */
  readonly out: string | undefined;
  readonly data: string | undefined;
}

const EPILOG = `
Parts: ${PARTS.join(', ')}.

Peers are measured where they are installed: PyTorch and oneDNN as Debian's python3-torch and libdnnl-dev,
onnxruntime-node, onnxruntime-web and @jax-js/jax in the node_modules of the folder that TWILL_PEERS names.
OpenBLAS for PyTorch may be unpacked into $TWILL_PEERS/openblas.

Examples:
  $ npm run bench -- --quick
  $ npm run bench -- --only sweep --layers 3x3 --backend native --threads 1
  $ TWILL_PEERS=~/peers npm run bench`;

interface Parsed {
  quick?: boolean;
  only?: Part[];
  backend: 'all' | 'native' | 'wasm';
  threads?: number[];
  layers?: Layer[];
  epochs?: number;
  peers: boolean;
  out?: string;
  data?: string;
}

/** Parses a command line, without `node` and the script; ends the process where it cannot be. */
export function parseOptions(args: readonly string[], resultsFolder: string): BenchOptions {
  const command = new Command('npm run bench --')
    .description('Measure this machine, Twill on it, and its peers, side by side.')
    .option('--quick', 'a look, in less than a minute; nothing is written')
    .option('--only <parts>', 'only these parts, separated by commas', list(parsePart))
    .addOption(new Option('--backend <name>').choices(['all', 'native', 'wasm']).default('all'))
    .option(
      '--threads <numbers>',
      'e.g. 1,2; default one and all, for layers one',
      list(parseCount('threads')),
    )
    .option('--layers <text>', 'only layers whose name holds this, e.g. 5x5 or "16>32"', matching)
    .option('--epochs <n>', 'of the trainings (default 6, none when quick)', parseCount('epochs'))
    .option('--no-peers', 'leave the peers out')
    .option('--out <folder>', 'where JSON, SVG and Markdown go (default for a whole run: bench/results)')
    .option('--data <folder>', 'with the four .gz files of Fashion-MNIST (default: found)')
    .addHelpText('after', EPILOG)
    .parse(args, { from: 'user' });
  const { quick = false, only, backend, threads, layers, epochs, peers, out, data } = command.opts<Parsed>();
  const whole = !quick && !only && !layers && !epochs && backend === 'all' && !threads && peers;
  return {
    quick,
    only: only ?? PARTS,
    backends: backend === 'all' ? ['native', 'wasm'] : [backend],
    threads: threads ?? [...new Set([1, availableParallelism()])],
    sweepThreads: threads ?? [1],
    layers,
    epochs,
    peers,
    out: out ?? (whole ? resultsFolder : undefined),
    data,
  };
}

/** A section of the suite, as opposed to what only Node measures. */
export function isSection(part: Part): part is Section {
  return part !== 'latency' && part !== 'memory';
}

function list<T>(parse: (text: string) => T): (text: string) => T[] {
  return (text) => text.split(',').map((one) => parse(one.trim()));
}

function parsePart(text: string): Part {
  const part = PARTS.find((one) => one === text);
  if (!part) throw new InvalidArgumentError(`'${text}' is no part of the bench (${PARTS.join(', ')}).`);
  return part;
}

function parseCount(what: string): (text: string) => number {
  return (text) => {
    const count = Number(text);
    if (Number.isInteger(count) && count >= 1 && count <= 1024) return count;
    throw new InvalidArgumentError(`'${text}' is no number of ${what}.`);
  };
}

function matching(text: string): Layer[] {
  const wanted = text.replace(/->|>/, '→');
  const layers = LAYERS.filter(({ name }) => name.includes(wanted));
  if (layers.length > 0) return layers;
  throw new InvalidArgumentError(
    `no layer's name holds '${text}'; there are ${LAYERS.map(({ name }) => name).join('; ')}`,
  );
}
