import { Command, CommanderError } from 'commander';
import { benchCommand } from './bench.js';
import { compareCommand } from './compare.js';
import { completionCommand } from './completion.js';
import { dataCommand } from './data.js';
import { evalCommand } from './eval.js';
import { exportCommand } from './export.js';
import { report, usageMessage } from './failure.js';
import { infoCommand } from './info.js';
import type { Io } from './io.js';
import { predictCommand } from './predict.js';
import { reportCommand } from './report.js';
import { trainCommand } from './train.js';
import { sayVersion } from './version.js';

const EXAMPLES = `
Examples:
  $ twill train                                          six epochs on Fashion-MNIST, results in out/
  $ twill eval --model out/model.safetensors             accuracy, and how each class fared
  $ twill predict --model out/model.safetensors shoe.png
  $ twill report out                                     a page of that training: curves, mistakes, layers
  $ twill export --model out/model.safetensors --onnx model.onnx
  $ twill bench                                          how fast it is here, natively and in WebAssembly
  $ twill info                                           what it computes with, and why

Exit codes: 0 done, 1 failed, 2 asked for wrongly, 130 interrupted (Ctrl-C), 143 terminated.
Environment: TWILL_BACKEND, TWILL_ISA, OMP_NUM_THREADS (what it computes with), TWILL_DATA (where
Fashion-MNIST is), TWILL_DEBUG=1 (the same as --debug), NO_COLOR=1 (no colours).`;

/** Runs one command line (without `node` and the script) to its end and returns the exit code. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const twill = program(io);
  try {
    await twill.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError && error.code === VERSION) return sayVersion(io);
    const debug = twill.opts().debug === true || !['', '0', undefined].includes(io.env.TWILL_DEBUG);
    return report(error, io, debug);
  }
}

/** In the order of the help. */
const COMMANDS = [
  trainCommand,
  evalCommand,
  predictCommand,
  reportCommand,
  compareCommand,
  exportCommand,
  benchCommand,
  infoCommand,
  dataCommand,
] as const;

/** Ends the parsing of the line: what is asked for then takes longer than an option's event can wait. */
const VERSION = 'twill.version';

function program(io: Io): Command {
  const twill = new Command('twill')
    .description('Train small convolutional networks: hand-tuned SIMD kernels, native and WebAssembly.')
    .option('--version', 'print the version, and what a bug report needs besides')
    .on('option:version', () => {
      throw new CommanderError(0, VERSION, '');
    })
    .option('--debug', 'show where an error came from')
    .helpCommand('help [command]', 'print help for a command')
    .addHelpText('after', EXAMPLES);
  for (const make of COMMANDS) twill.addCommand(make(io));
  twill.addCommand(completionCommand(io, () => twill));
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
