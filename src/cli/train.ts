import { Command, Option } from 'commander';
import { RECIPES } from '../recipes/recipes.js';
import type { EpochResult } from '../index.node.js';
import type { EpochRecord } from '../report/history.js';
import { interruptible } from './interruption.js';
import { Exit, type Io } from './io.js';
import { loadData, loadWeights, openBackend } from './load.js';
import {
  type BackendOptions,
  backendOption,
  dataOption,
  jsonOption,
  nonEmpty,
  nonNegative,
  threadsOption,
  wholeNumber,
} from './options.js';
import type { OutputDirectory } from './output-directory.js';
import { trainingLog } from './training-log.js';

/** What `twill train` is told. */
export interface TrainOptions extends BackendOptions {
  readonly recipe: string;
  readonly data?: string;
  readonly epochs?: number;
  readonly batchSize?: number;
  readonly lr?: number;
  readonly momentum?: number;
  readonly seed: number;
  readonly shuffle?: boolean;
  readonly init?: string;
  readonly limit?: number;
  readonly out: string;
  readonly checkpointEvery?: number;
  readonly resume?: string;
  readonly tensorboard?: string;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  $ twill train                                six epochs on all 60,000 images, results in out/
  $ twill train --epochs 1 --limit 6000        a quick look
  $ twill train --recipe article-3x3           smaller kernels, normalised: more accurate
  $ twill train --recipe best --out runs/best  the most accurate, in minutes
  $ twill train --shuffle --momentum 0.9 --lr 0.02 --out runs/momentum
  $ twill train --init out/model.safetensors   go on from where another run ended
  $ twill train --checkpoint-every 100         leaves a checkpoint to go on from, too
  $ twill train --resume out                   goes on where that was killed, to the same bits
  $ twill train --json > run.jsonl             one JSON object a line, an epoch each

Recipes:
${RECIPES.map(({ name, description }) => `  ${name.padEnd(13)} ${description}`).join('\n')}

It writes model.safetensors, history.json, history.svg, history.png, categories.png and
misclassified.png. Ctrl-C ends it after the batch at hand and keeps what there is.`;

/** `twill train` */
export function trainCommand(io: Io): Command {
  return new Command('train')
    .description('train a network on Fashion-MNIST')
    .addOption(
      new Option('--recipe <name>', 'the network and how it is trained')
        .choices(RECIPES.map(({ name }) => name))
        .default(RECIPES[0].name),
    )
    .addOption(dataOption())
    .option('--epochs <n>', "times to go through the training images (default: the recipe's)", wholeNumber(1))
    .option('--batch-size <n>', "images a step (default: the recipe's)", wholeNumber(1, 60000))
    .option('--lr <x>', "learning rate (default: the recipe's)", nonNegative())
    .option('--momentum <x>', "momentum of the gradient descent (default: the recipe's)", nonNegative())
    .option('--seed <n>', 'seed of the first weights and of the order of the images', wholeNumber(0), 0)
    .option('--shuffle', 'a new order of the images every epoch')
    .option('--no-shuffle', "the data set's order every epoch, as in the article (default: the recipe's)")
    .option('--init <file>', 'start from these weights (safetensors)', nonEmpty)
    .option('--limit <n>', 'train on the first n images only; all test images are used', wholeNumber(1))
    .option('--out <dir>', 'directory for the results, made where it is missing', nonEmpty, 'out')
    .option(
      '--checkpoint-every <n>',
      'write a checkpoint into the directory every n steps and after the last',
      wholeNumber(1),
    )
    .option(
      '--resume <dir>',
      'go on from the checkpoint in this directory, with the options that made it',
      nonEmpty,
    )
    .option('--tensorboard <dir>', 'write every epoch as an event file for TensorBoard, too', nonEmpty)
    .addOption(jsonOption('write JSON lines to stdout: a start, every epoch, the end'))
    .addOption(backendOption())
    .addOption(threadsOption())
    .addHelpText('after', EXAMPLES)
    .action(async (options: TrainOptions, command: Command) => train(await resumed(options, command), io));
}

/** With `--resume`: the options that the training was begun with, but for those that are given now. */
async function resumed(options: TrainOptions, command: Command): Promise<TrainOptions> {
  if (options.resume === undefined) return options;
  const { readRun } = await import('./run-file.js');
  const given = Object.entries(options).filter(([name]) => command.getOptionValueSource(name) === 'cli');
  return {
    ...options,
    ...(await readRun(options.resume)),
    out: options.resume,
    ...Object.fromEntries(given),
  };
}

async function train(options: TrainOptions, io: Io): Promise<void> {
  const { OutputDirectory } = await import('./output-directory.js');
  const out = await OutputDirectory.open(options.out);
  try {
    await trainInto(out, options, io);
  } catch (error) {
    await out.discard();
    throw error;
  }
}

const recordOf = (result: EpochResult): EpochRecord => {
  const { epoch, cost, accuracy, seconds, evalSeconds, lr, trainAccuracy, validationLoss } = result;
  const told = validationLoss === undefined ? {} : { validationLoss };
  return { epoch, cost, accuracy, seconds, evalSeconds, lr, trainAccuracy, ...told };
};

async function trainInto(out: OutputDirectory, options: TrainOptions, io: Io): Promise<void> {
  const { fit, manualSeed } = await import('../index.node.js');
  const { trainingOf } = await import('../recipes/training.js');
  const { writeResults } = await import('./results.js');
  const { describeMachine } = await import('./machine.js');
  const { checkpointOptions } = await import('./run-file.js');
  const { openBoard } = await import('./board.js');
  manualSeed(options.seed);
  const recipe = RECIPES.find(({ name }) => name === options.recipe)!;
  const model = await recipe.model();
  if (options.init !== undefined) await loadWeights(model, options.init);
  const data = await loadData(options.data, io);
  const images = options.limit === undefined ? data.train : data.train.take(options.limit);
  const backend = await openBackend(options);

  const training = trainingOf(recipe, options);
  const { epochs, batchSize, shuffle } = training;
  const { lr = recipe.lr, momentum = recipe.momentum } = options;
  const log = trainingLog(options.json === true, epochs, images.length, io);
  const records: EpochRecord[] = [];
  const settings = {
    ...{ recipe: recipe.name, epochs, batchSize, lr, momentum, shuffle, seed: options.seed },
    ...{ images: images.length, cpu: describeMachine().cpu, node: process.version },
  };
  const results = { model, records, backend, train: images, test: data.test, settings };
  const board = await openBoard(options.tensorboard);
  const interruption = interruptible(io, () => log.interrupted());
  try {
    // After the signals are looked at: whoever reads that it begins may stop it.
    log.start(backend.info(), images.length, data.test.length, data.source);
    const run = fit(model, images, {
      ...training,
      seed: options.seed,
      backend,
      validation: data.test,
      ...checkpointOptions(out, options),
      signal: interruption.signal,
      onBatch: (batch) => log.batch(batch),
    });
    const note = () => records.splice(0, records.length, ...run.history.epochs.map(recordOf));
    for await (const result of run) {
      note();
      log.epoch(recordOf(result));
      await board.epoch(result);
    }
    note();
  } catch (error) {
    log.clear();
    // Weights that finished at least one epoch are worth keeping, whatever stopped the next.
    if (records.length > 0) {
      await writeResults(out, results);
      log.end(out, true);
    }
    throw error;
  } finally {
    interruption.release();
    await board.close();
  }
  log.clear();
  await writeResults(out, results);
  log.end(out, interruption.signal.aborted);
  if (interruption.signal.aborted) throw new Exit(interruption.code);
}
