/** What can stand in a place of the command line. `other`: nothing that a shell could know. */
export type Completion =
  | { readonly kind: 'file' | 'directory' | 'other' }
  | { readonly kind: 'choice'; readonly choices: readonly string[] };

export interface Completable {
  /** Empty for the program itself. */
  readonly name: string;
  readonly description: string;
  readonly options: readonly {
    readonly flag: string;
    readonly description: string;
    /** What follows it; undefined where nothing does. */
    readonly value?: Completion | undefined;
  }[];
  readonly argument: Completion;
}

export type Shell = 'bash' | 'zsh' | 'fish';

/** A script for each shell. Its names are ours: letters, digits and hyphens; only descriptions need quoting. */
export const COMPLETIONS: Readonly<Record<Shell, (commands: readonly Completable[]) => string>> = {
  bash,
  zsh,
  fish,
};

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** Up to the first bracket: a line in a menu. */
const brief = (text: string) => text.split(/ \(|[;:] /)[0]!;

/** Bash 3.2 (macOS) and later: what is left to `-o default` are files, quoted as readline does it. */
function bash(commands: readonly Completable[]): string {
  const places = new Map<string, string[]>();
  for (const { name, options } of commands) {
    for (const { flag, value } of options) {
      if (!value) continue;
      const code = bashValue(value);
      places.set(code, [...(places.get(code) ?? []), `${name}:${flag}`]);
    }
  }
  const values = [...places].map(([code, where]) => `    ${where.join('|')}) ${code} ;;`);
  const rest = commands.map(({ name, options, argument }) => {
    const flags = options.map(({ flag }) => flag).join(' ');
    const words = argument.kind === 'choice' ? argument.choices.join(' ') : '';
    return `    ${name || "''"}) flags=${quoted(flags)} words=${quoted(words)} ;;`;
  });
  return `# twill completion bash
_twill() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command= flags= words= word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in -*) ;; *) command=$word; break ;; esac
  done
  COMPREPLY=()
  case $command:$previous in
${values.join('\n')}
  esac
  case $command in
${rest.join('\n')}
  esac
  case $current in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
  esac
}
complete -o default -F _twill twill`;
}

function bashValue(value: Completion): string {
  if (value.kind === 'choice') {
    return `COMPREPLY=($(compgen -W ${quoted(value.choices.join(' '))} -- "$current")); return`;
  }
  if (value.kind === 'directory') return 'compopt -o dirnames +o default 2>/dev/null; return';
  return value.kind === 'other' ? 'compopt +o default 2>/dev/null; return' : 'return';
}

function zsh(commands: readonly Completable[]): string {
  const [program, ...rest] = commands as [Completable, ...Completable[]];
  const described = rest.map(({ name, description }) => `        ${quoted(`${name}:${brief(description)}`)}`);
  const cases = rest.map(({ name, options, argument }) => {
    const specs = [...options.map(zshOption), `'*: :${zshValue(argument)}'`];
    return `        ${name}) _arguments ${specs.join(' ')} ;;`;
  });
  return `#compdef twill
_twill() {
  local state line
  local -a commands
  _arguments -C ${program.options.map(zshOption).join(' ')} '1: :->command' '*:: :->argument'
  case $state in
    command)
      commands=(
${described.join('\n')}
      )
      _describe command commands
      ;;
    argument)
      case $line[1] in
${cases.join('\n')}
      esac
      ;;
  esac
}
if [ "$funcstack[1]" = _twill ]; then _twill "$@"; else compdef _twill twill; fi`;
}

function zshOption({ flag, description, value }: Completable['options'][number]): string {
  const said = brief(description).replace(/[[\]:\\]/g, '\\$&');
  return quoted(`${flag}[${said}]${value ? `: :${zshValue(value)}` : ''}`);
}

function zshValue(value: Completion): string {
  if (value.kind === 'choice') return `(${value.choices.join(' ')})`;
  return { file: '_files', directory: '_files -/', other: ' ' }[value.kind];
}

function fish(commands: readonly Completable[]): string {
  const lines = commands.flatMap(({ name, options, argument }) => {
    const where = name === '' ? '__fish_use_subcommand' : `__fish_seen_subcommand_from ${name}`;
    const complete = `complete -c twill -n ${quoted(where)}`;
    const words = argument.kind === 'choice' && name !== '' ? [argument.choices.join(' ')] : [];
    return [
      ...(argument.kind === 'file' ? [] : [`${complete} -f`]),
      ...words.map((choices) => `${complete} -a ${quoted(choices)}`),
      ...options.map(
        ({ flag, description, value }) =>
          `${complete} -l ${flag.slice(2)}${fishValue(value)} -d ${quoted(brief(description))}`,
      ),
    ];
  });
  const names = commands.slice(1).map(({ name, description }) => {
    return `complete -c twill -n __fish_use_subcommand -a ${name} -d ${quoted(brief(description))}`;
  });
  return ['# twill completion fish', ...names, ...lines].join('\n');
}

function fishValue(value: Completion | undefined): string {
  if (!value) return '';
  if (value.kind === 'choice') return ` -x -a ${quoted(value.choices.join(' '))}`;
  return { file: ' -r -F', directory: " -x -a '(__fish_complete_directories)'", other: ' -x' }[value.kind];
}
