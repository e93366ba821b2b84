import { Command } from 'commander';
import type { ClassScore } from '../report/scores.js';
import { count, type Io, percent, say, styleFor } from './io.js';
import { loadData, loadModel, openBackend } from './load.js';
import {
  type BackendOptions,
  backendOption,
  dataOption,
  jsonOption,
  modelOption,
  threadsOption,
  wholeNumber,
} from './options.js';

interface EvalOptions extends BackendOptions {
  readonly model: string;
  readonly data?: string;
  readonly batchSize: number;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  $ twill eval --model out/model.safetensors
  $ twill eval --model out/model.safetensors --backend wasm --json`;

/** `twill eval` */
export function evalCommand(io: Io): Command {
  return new Command('eval')
    .description('measure a trained network on the 10,000 test images')
    .addOption(modelOption())
    .addOption(dataOption())
    .option(
      '--batch-size <n>',
      'images a batch; the cost is the loss summed over batches',
      wholeNumber(1, 60000),
      100,
    )
    .addOption(jsonOption('write one JSON object to stdout'))
    .addOption(backendOption())
    .addOption(threadsOption())
    .addHelpText('after', EXAMPLES)
    .action((options: EvalOptions) => evaluateModel(options, io));
}

async function evaluateModel(options: EvalOptions, io: Io): Promise<void> {
  const { evaluate } = await import('../index.node.js');
  const { scoreClasses } = await import('../report/scores.js');
  const model = await loadModel(options.model);
  const { test } = await loadData(options.data, io);
  const backend = await openBackend(options);
  const { batchSize } = options;
  const { loss, accuracy, correct, predictions } = await evaluate(model, test, { batchSize, backend });
  const cost = (loss * test.length) / batchSize;
  const names = test.classes ?? [];
  const { confusion, classes } = scoreClasses(test.labels, predictions, names.length);
  if (options.json) {
    const named = classes.map((score, label) => ({ name: names[label], ...score }));
    const measured = { accuracy, cost, loss, images: test.length, correct };
    say(io.stdout, JSON.stringify({ ...measured, classes: named, confusion, info: backend.info() }));
    return;
  }
  const style = styleFor(io.stdout, io.env);
  const share = `${count(correct)} of ${count(test.length)} images`;
  say(io.stdout, `${style.bold(`accuracy ${percent(accuracy)}`)}   ${share}`);
  say(io.stdout, `cost ${cost.toFixed(3)} over batches of ${batchSize}, mean loss ${loss.toFixed(4)}`);
  say(io.stdout);
  for (const line of table(names, classes)) say(io.stdout, line);
}

function table(names: readonly string[], classes: readonly ClassScore[]): string[] {
  const wide = Math.max(...names.map((name) => name.length));
  const row = (name: string, cells: readonly string[], last: string) =>
    `${name.padEnd(wide)}  ${cells.map((cell) => cell.padStart(11)).join('')}  ${last}`.trimEnd();
  const short = (fraction: number) => (Number.isNaN(fraction) ? '-' : `${(fraction * 100).toFixed(1)} %`);
  return [
    row('class', ['images', 'correct', 'recall', 'precision', 'F1'], 'mostly taken for'),
    ...classes.map((score, label) => {
      const cells = [
        count(score.images),
        count(score.correct),
        short(score.recall),
        short(score.precision),
        short(score.f1),
      ];
      return row(names[label]!, cells, names[score.confusedWith] ?? '-');
    }),
  ];
}
