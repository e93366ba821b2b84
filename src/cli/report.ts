import { basename, resolve } from 'node:path';
import { Command } from 'commander';
import { OptionError } from '../errors.js';
import type { ReportDrawings } from '../report/index.node.js';
import { type Io, percent, say, styleFor } from './io.js';
import { loadData, loadModel, openBackend } from './load.js';
import {
  type BackendOptions,
  backendOption,
  dataOption,
  jsonOption,
  threadsOption,
  wholeNumber,
} from './options.js';

interface ReportOptions extends BackendOptions {
  readonly data?: string;
  readonly image: number;
  readonly json?: boolean;
}

const EXAMPLES = `
It reads history.json and model.safetensors, tests the network, and writes report.html (which needs
nothing beside it: no network, no script) and its drawings as PNG into the same directory.

Examples:
  $ twill report out
  $ twill report runs/momentum --image 42     the test image whose way through the layers is shown`;

/** `twill report` */
export function reportCommand(io: Io): Command {
  return new Command('report')
    .description('make a page of a training: curves, confusion, mistakes, filters, layers')
    .argument('<dir>', 'what `twill train --out` left')
    .addOption(dataOption())
    .option('--image <n>', 'number of the test image that goes through the layers', wholeNumber(0), 0)
    .addOption(jsonOption('write one JSON object to stdout'))
    .addOption(backendOption())
    .addOption(threadsOption())
    .addHelpText('after', EXAMPLES)
    .action((directory: string, options: ReportOptions) => report(directory, options, io));
}

async function report(directory: string, options: ReportOptions, io: Io): Promise<void> {
  const { activations, evaluate } = await import('../index.node.js');
  const { reportDrawings, reportHtml, svgToPng } = await import('../report/index.node.js');
  const { OutputDirectory } = await import('./output-directory.js');
  const { readHistory } = await import('./runs.js');
  const { describeMachine } = await import('./machine.js');
  const history = await readHistory(directory);
  const model = await loadModel(resolve(directory, 'model.safetensors'));
  const { test } = await loadData(options.data, io);
  if (options.image >= test.length) {
    throw new OptionError(`--image is ${options.image}, but the test images are 0 to ${test.length - 1}`);
  }
  const backend = await openBackend(options);
  const out = await OutputDirectory.open(directory);
  const { accuracy, predictions, probabilities } = await evaluate(model, test, { backend });
  const { image } = test.get(options.image);
  const classes = probabilities.length / test.length;
  const layers = await activations(model, { images: image, shape: test.shape }, { backend });
  const { node, platform, cpu } = describeMachine();
  const content = {
    title: `Twill: ${basename(resolve(directory))}`,
    history,
    gallery: test,
    predictions,
    probabilities,
    parameters: model.parameters().reduce((sum, { size }) => sum + size, 0),
    summary: model.summary(test.shape),
    filters: [...model.stateDict()]
      .filter(([, { shape }]) => shape.length === 4)
      .map(([name, { shape, data }]) => ({ name, shape, data })),
    activations: {
      index: options.image,
      layers,
      probabilities: probabilities.subarray(options.image * classes, (options.image + 1) * classes),
    },
    machine: [
      ['tested on', cpu],
      ['Node', `${node} on ${platform}`],
    ] as const,
  };
  const drawings = reportDrawings(content);
  await out.write('report.html', reportHtml(content, drawings));
  for (const [name, svg] of Object.entries(drawings) as [keyof ReportDrawings, string][]) {
    const file = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    await out.write(`${file}.png`, await svgToPng(svg));
  }
  if (options.json) {
    say(io.stdout, JSON.stringify({ accuracy, out: out.path, files: out.written }));
    return;
  }
  const style = styleFor(io.stdout, io.env);
  say(io.stdout, `${style.bold(out.file('report.html'))}  accuracy ${percent(accuracy)}`);
  say(io.stderr, `wrote ${out.written.join(', ')} into ${out.path}`);
}
