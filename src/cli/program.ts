import { Command } from 'commander';
import { dataCommand } from './data.js';
import { evalCommand } from './eval.js';
import { report, usageMessage } from './failure.js';
import { infoCommand } from './info.js';
import type { Io } from './io.js';
import { predictCommand } from './predict.js';
import { trainCommand } from './train.js';
import { version } from './version.js';

const EXAMPLES = `
Examples:
  $ twill train                                          six epochs on Fashion-MNIST, results in out/
  $ twill eval --model out/model.safetensors             accuracy, and how each class fared
  $ twill predict --model out/model.safetensors shoe.png
  $ twill info                                           what it computes with, and why

Exit codes: 0 done, 1 failed, 2 asked for wrongly, 130 interrupted.
TWILL_DEBUG=1 shows an error's stack; NO_COLOR=1 turns colours off.`;

/** Runs one command line (without `node` and the script) to its end and returns the exit code. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  try {
    await program(io).parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    return report(error, io);
  }
}

function program(io: Io): Command {
  const twill = new Command('twill')
    .description('Train small convolutional networks: hand-tuned SIMD kernels, native and WebAssembly.')
    .version(version(), '--version', 'print the version')
    .helpCommand('help [command]', 'print help for a command')
    .addHelpText('after', EXAMPLES);
  for (const make of [trainCommand, evalCommand, predictCommand, infoCommand, dataCommand]) {
    twill.addCommand(make(io));
  }
  for (const command of [twill, ...twill.commands]) {
    command
      .helpOption('-h, --help', 'print help')
      .exitOverride()
      .configureOutput({
        writeOut: (text) => io.stdout.write(text),
        writeErr: (text) => io.stderr.write(text),
        outputError: (text, write) => write(usageMessage(text)),
        getOutHelpWidth: () => io.stdout.columns ?? 100,
        getErrHelpWidth: () => io.stderr.columns ?? 100,
      });
  }
  return twill;
}
