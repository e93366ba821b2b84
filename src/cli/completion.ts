import { Argument, type Command, Command as Cli } from 'commander';
import { COMPLETIONS, type Completable, type Completion, type Shell } from './shells.js';
import { type Io, say } from './io.js';

const EXAMPLES = `
Examples:
  $ twill completion bash >> ~/.bashrc
  $ twill completion zsh > "\${fpath[1]}/_twill"
  $ twill completion fish > ~/.config/fish/completions/twill.fish`;

/**
 * `twill completion`
 * @param program gives the command that everything is completed for, once it is whole
 */
export function completionCommand(io: Io, program: () => Command): Command {
  const shells = Object.keys(COMPLETIONS) as Shell[];
  return new Cli('completion')
    .description('write what makes the shell complete commands, options and files')
    .addArgument(new Argument('<shell>', 'the shell that is to complete them').choices(shells))
    .addHelpText('after', EXAMPLES)
    .action((shell: Shell) => say(io.stdout, COMPLETIONS[shell](completables(program()))));
}

/** The program itself (by an empty name) and its commands, as far as a shell can complete them. */
function completables(program: Command): Completable[] {
  const names = program.commands.map((command) => command.name());
  const help = { flag: '--help', description: 'print help' };
  const common = program.options.map(optionOf).filter(({ flag }) => flag !== '--version');
  return [
    {
      name: '',
      description: '',
      options: [...program.options.map(optionOf), help],
      argument: { kind: 'choice', choices: [...names, 'help'] },
    },
    ...program.commands.map((command) => ({
      name: command.name(),
      description: command.description(),
      options: [...command.options.map(optionOf), ...common, help],
      argument: argumentOf(command),
    })),
    {
      name: 'help',
      description: 'print help for a command',
      options: [],
      argument: { kind: 'choice', choices: names },
    },
  ];
}

function optionOf(option: Command['options'][number]) {
  return { flag: option.long!, description: option.description, value: valueOf(option) };
}

/** What follows the option, judged by what its help calls it: `--out <dir>`, `--model <file>`. */
function valueOf(option: Command['options'][number]): Completion | undefined {
  if (!option.required && !option.optional) return undefined;
  if (option.argChoices) return { kind: 'choice', choices: option.argChoices };
  if (option.flags.includes('<dir')) return { kind: 'directory' };
  return { kind: option.flags.includes('<file') ? 'file' : 'other' };
}

function argumentOf(command: Command): Completion {
  const [argument] = command.registeredArguments;
  if (!argument) return { kind: 'other' };
  if (argument.argChoices) return { kind: 'choice', choices: argument.argChoices };
  return { kind: argument.name().startsWith('dir') ? 'directory' : 'file' };
}
