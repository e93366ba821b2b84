import { Command } from 'commander';
import { count, type Io, say, styleFor } from './io.js';
import { loadData } from './load.js';
import { dataOption, jsonOption } from './options.js';

interface DataOptions {
  readonly data?: string;
  readonly json?: boolean;
}

const EXAMPLES = `
It is looked for in --data, in the directory that TWILL_DATA names, in the user's cache, and where
Debian's package dataset-fashion-mnist puts it. Found nowhere, it is downloaded (31 MB), checked, and
kept in the cache.

Examples:
  $ twill data
  $ twill data --data ~/fashion-mnist --json`;

/** `twill data` */
export function dataCommand(io: Io): Command {
  return new Command('data')
    .description('find Fashion-MNIST, or download it, and say where it is')
    .addOption(dataOption())
    .addOption(jsonOption('write one JSON object to stdout'))
    .addHelpText('after', EXAMPLES)
    .action((options: DataOptions) => data(options, io));
}

async function data(options: DataOptions, io: Io): Promise<void> {
  const { train, test, source } = await loadData(options.data, io);
  const classes = train.classes ?? [];
  if (options.json) {
    const shape = train.shape;
    say(io.stdout, JSON.stringify({ source, train: train.length, test: test.length, shape, classes }));
    return;
  }
  const style = styleFor(io.stdout, io.env);
  const [, height, width] = train.shape;
  say(io.stdout, `${style.bold('Fashion-MNIST')}  ${source}`);
  say(
    io.stdout,
    `${count(train.length)} images to train on, ${count(test.length)} to test, ${width} x ${height} grey`,
  );
  say(io.stdout, `classes: ${classes.join(', ')}`);
}
