import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../src/cli/program.js';

// Each shell itself is asked what it would offer.

let directory: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'twill-completion-'));
  mkdirSync(join(directory, 'runs'));
  writeFileSync(join(directory, 'my model.safetensors'), '');
  for (const shell of ['bash', 'zsh', 'fish']) {
    let script = '';
    const stdout = { write: (text: string) => (script += text) };
    const io = { stdin: process.stdin, stdout, stderr: process.stderr, env: {}, signals: process };
    expect(await run(['completion', shell], io)).toBe(0);
    writeFileSync(join(directory, `twill.${shell}`), script);
  }
});
afterAll(() => rmSync(directory, { recursive: true }));

function ask(shell: string, args: string[]): string[] {
  const environment = { PATH: process.env.PATH, HOME: directory, TERM: 'dumb', LC_ALL: 'C.UTF-8' };
  const output = execFileSync(shell, args, { cwd: directory, env: environment, encoding: 'utf8' });
  return output.split('\n').filter(Boolean);
}

/** Bash's function is called as readline calls it: COMPREPLY holds the answer. */
function bash(line: string): string[] {
  const words = line.split(' ');
  const script = `
    compopt() { :; }
    source ./twill.bash
    COMP_WORDS=(${words.map((word) => `"${word}"`).join(' ')}) COMP_CWORD=${words.length - 1}
    _twill
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  return ask('bash', ['--norc', '-c', script]).sort();
}

/** fish tells what it would offer, with the descriptions behind tabs. */
function fish(line: string): string[] {
  const script = `source ./twill.fish; complete -C '${line}'`;
  return ask('fish', ['--no-config', '-c', script])
    .map((offer) => offer.split('\t')[0]!)
    .sort();
}

/**
 * zsh completes in a terminal of its own only: the line is typed there, and a widget lists what was offered. compadd
 * is asked for its matches (-O) before it adds them.
 */
function zsh(line: string): string[] {
  writeFileSync(
    join(directory, 'inner.zsh'),
    `autoload -U compinit && compinit -C -d ./zcompdump
    source ./twill.zsh
    offered=()
    compadd() {
      local -a matches
      if [[ " $* " != *" -O "* && " $* " != *" -A "* && " $* " != *" -D "* ]]; then
        builtin compadd -O matches "$@"
        offered+=("$matches[@]")
      fi
      builtin compadd "$@"
    }
    tell() { zle complete-word; print -l "OFFERED" "$offered[@]" "END" > answer; exit; }
    zle -C complete-word complete-word _main_complete
    zle -N tell
    bindkey '^I' tell`,
  );
  const script = `
    zmodload zsh/zpty
    zpty inner zsh -f -i
    zpty -w inner 'source ./inner.zsh'
    zpty -w -n inner '${line}'$'\\t'
    while zpty -r inner text; do :; done
    cat answer`;
  const offers = ask('zsh', ['-f', '-c', script]);
  expect([offers[0], offers.at(-1)]).toEqual(['OFFERED', 'END']);
  return [...new Set(offers.slice(1, -1))].sort();
}

const TRAIN = ['--backend', '--batch-size', '--data', '--debug', '--epochs', '--help', '--init', '--json'];

describe.each([
  ['bash', bash],
  ['zsh', zsh],
  ['fish', fish],
])('%s completes', (_, offers) => {
  test('commands', () => {
    expect(offers('twill ')).toEqual(
      expect.arrayContaining(['completion', 'data', 'eval', 'help', 'info', 'predict', 'train']),
    );
    expect(offers('twill tr')).toEqual(['train']);
    expect(offers('twill help ev')).toEqual(['eval']);
  });

  test("a command's options", () => {
    expect(offers('twill train --')).toEqual(expect.arrayContaining(TRAIN));
    expect(offers('twill train --')).not.toContain('--top');
    expect(offers('twill predict --in')).toEqual(['--invert']);
  });

  test('values that are known', () => {
    expect(offers('twill train --backend ')).toEqual(['auto', 'native', 'wasm']);
    expect(offers('twill --debug completion ')).toEqual(['bash', 'fish', 'zsh']);
  });
});

test.each([
  ['fish', fish],
  ['zsh', zsh],
])('%s offers files where files go, directories where directories do', (_, offers) => {
  expect(offers('twill eval --model ').join()).toMatch(/my\\? model\.safetensors/);
  const directories = offers('twill train --out ').join();
  expect(directories).toContain('runs');
  expect(directories).not.toContain('model');
});

test('bash leaves files to readline, and offers none for a number', () => {
  const asked = (line: string) => {
    const words = line.split(' ');
    const script = `
      compopt() { echo compopt "$@"; }
      source ./twill.bash
      COMP_WORDS=(${words.map((word) => `"${word}"`).join(' ')}) COMP_CWORD=${words.length - 1}
      _twill
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    return ask('bash', ['--norc', '-c', script]);
  };
  expect(asked('twill eval --model ')).toEqual([]);
  expect(asked('twill train --out ')).toEqual(['compopt -o dirnames +o default']);
  expect(asked('twill train --epochs ')).toEqual(['compopt +o default']);
});

test('an unknown shell is named with those that there are', async () => {
  let stderr = '';
  const io = {
    stdin: process.stdin,
    stdout: { write: () => {} },
    stderr: { write: (text: string) => (stderr += text) },
    env: {},
    signals: process,
  };
  expect(await run(['completion', 'tcsh'], io)).toBe(2);
  expect(stderr).toMatch(/^twill: .*'tcsh'.*bash, zsh, fish\n$/);
});
