import { Command, InvalidArgumentError, Option } from 'commander';
import { type Section, SECTIONS } from '../bench/figures.js';
import { Exit, type Io, say, styleFor } from './io.js';
import { jsonOption, nonEmpty, wholeNumber } from './options.js';
import { version } from './version.js';

interface BenchOptions {
  readonly backend: 'all' | 'native' | 'wasm';
  readonly threads?: number;
  readonly only?: readonly Section[];
  readonly full?: boolean;
  readonly data?: string;
  readonly json?: boolean;
}

/** Without --full. */
const GLANCE: readonly Section[] = ['peak', 'step', 'inference'];

const EXAMPLES = `
Parts:
  peak       multiply-adds and copies a second: the machine's limits
  sweep      forward and both gradients of layers that people use, as a fraction of the peak
  step       training steps of the article's network at batch 100
  calls      what a step spends on each of its kernels
  networks   training steps of other small networks, at batch 100
  traffic    layers that mostly move data, beside a copy of as much
  inference  predictions at batch 100 and 1
  training   whole trainings, with their accuracy (only with --full)

Examples:
  $ twill bench                              limits, step and inference of each backend, in a minute
  $ twill bench --full                       all parts, with the time that figures to quote need
  $ twill bench --only sweep --backend native --threads 1
  $ twill bench --json > bench.json

Everything is measured in turns, so that what else the machine does meets all alike.`;

/** `twill bench` */
export function benchCommand(io: Io): Command {
  return new Command('bench')
    .description('measure this machine, and Twill on each backend that it has, side by side')
    .option('--full', 'all parts, some minutes long (default: a look at three of them)')
    .option('--only <parts>', 'only these, separated by commas', parseParts)
    .addOption(
      new Option('--backend <name>', 'what to measure').choices(['all', 'native', 'wasm']).default('all'),
    )
    .addOption(
      new Option('--threads <n>', 'on so many threads only (default: on one, and on all)').argParser(
        wholeNumber(1, 1024),
      ),
    )
    .option(
      '--data <dir>',
      'directory with the four .gz files of Fashion-MNIST (default: found, else made-up images)',
      nonEmpty,
    )
    .addOption(jsonOption('write one JSON object to stdout'))
    .addHelpText('after', EXAMPLES)
    .action((options: BenchOptions) => bench(options, io));
}

function parseParts(text: string): Section[] {
  return text.split(',').map((name) => {
    const part = SECTIONS.find((one) => one === name.trim());
    if (!part) throw new InvalidArgumentError(`'${name}' is none of the parts ${SECTIONS.join(', ')}`);
    return part;
  });
}

async function bench(options: BenchOptions, io: Io): Promise<void> {
  const { full = false, only = full ? SECTIONS : GLANCE, backend, threads } = options;
  const twill = await import('../bench/index.node.js');
  const { manualSeed } = await import('../index.node.js');
  const machine = await twill.thisMachine();
  const data = await twill.articleData(options.data);
  const counts = threads === undefined ? [...new Set([1, machine.processors])] : [threads];
  const { backends, absences } = await twill.contenders(
    backend === 'all' ? ['native', 'wasm'] : [backend],
    counts,
  );
  if (backends.length === 0) {
    for (const { runner, why } of absences) say(io.stderr, `${runner}: ${why}`);
    throw new Exit(1);
  }
  manualSeed(0);
  const weights = new twill.ArticleCnn().stateDict();
  const progress = new twill.Progress(io.stderr);
  let measured;
  try {
    measured = await twill.runSuite({
      runners: backends.map((one) => new twill.TwillRunner(one, data, weights)),
      backends,
      dissected: backends,
      data,
      sections: only,
      quick: !full,
      onProgress: (what) => progress.show(what),
    });
  } finally {
    progress.clear();
  }
  machine.load.after = await twill.load();
  const findings = { ...measured, absences: [...absences, ...measured.absences] };
  const { node } = process.versions;
  if (options.json) {
    const about = { version: version(), node, machine, data: data.source, full };
    say(io.stdout, JSON.stringify({ ...about, ...findings }));
    return;
  }
  const style = styleFor(io.stdout, io.env);
  const warning = twill.busyWarning(machine);
  if (warning) say(io.stderr, warning);
  const { cpu, processors, memoryGiB, system } = machine;
  say(io.stdout, style.bold(`${cpu}, ${processors} processors, ${memoryGiB} GiB`));
  say(io.stdout, `twill ${version()}, Node ${node} on ${system}; ${data.source}`);
  say(io.stdout);
  io.stdout.write(twill.renderText(twill.allTables(findings)));
}
