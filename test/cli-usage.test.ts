import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { twill } from './cli-support.js';

describe('what is asked for wrongly is one sentence and exit code 2', () => {
  test.each([
    ['train --epohcs 3', /unknown option '--epohcs', did you mean --epochs\?/],
    ['trian', /unknown command 'trian', did you mean train\?/],
    ['bench --only step,steps', /'steps' is none of the parts peak, /],
    ['train --epochs 0', /--epochs .*at least 1/],
    ['train --epochs 1.5', /--epochs .*whole number/],
    ['train --epochs -3', /--epochs .*at least 1/],
    ['train --epochs 1e400', /--epochs .*whole number/],
    ['train --batch-size 0', /--batch-size .*from 1 to 60000/],
    ['train --batch-size 60001', /--batch-size .*from 1 to 60000/],
    ['train --lr NaN', /--lr .*number of at least 0/],
    ['train --lr Infinity', /--lr .*number of at least 0/],
    ['train --lr -0.1', /--lr .*number of at least 0/],
    ['train --lr 0x1', /--lr .*number of at least 0/],
    ['train --momentum ten', /--momentum .*number of at least 0/],
    ['train --seed -1', /--seed .*at least 0/],
    ['train --limit 0', /--limit .*at least 1/],
    ['train --threads 0', /--threads .*from 1 to 1024/],
    ['train --backend gpu', /--backend .*auto, native, wasm/],
    ['train --out', /--out .*missing/],
    ['train extra', /too many arguments/],
    ['eval', /--model .*not specified/],
    ['export --model m.safetensors', /--onnx .*not specified/],
    ['predict --model m.safetensors', /missing required argument/],
    ['predict --model m.safetensors --top 11 x.png', /--top .*from 1 to 10/],
  ])('twill %s', async (line, message) => {
    const { code, stdout, stderr } = await twill(line.split(' '));
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^twill: [^\n]+\n$/);
    expect(stderr).toMatch(message);
  });

  test('an empty value', async () => {
    expect(await twill(['train', '--out', ''])).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('help', () => {
  test.each(['train', 'eval', 'predict', 'report', 'compare', 'export', 'bench', 'info', 'data'])(
    'twill %s --help shows options and examples',
    async (command) => {
      const { code, stdout } = await twill([command, '--help']);
      expect(code).toBe(0);
      expect(stdout).toContain(`Usage: twill ${command}`);
      expect(stdout).toContain(`$ twill ${command}`);
      expect(stdout).toContain('--json');
    },
  );

  test('twill --help lists the commands, --version prints the version', async () => {
    const { code, stdout } = await twill(['--help']);
    expect(code).toBe(0);
    for (const command of [
      'train',
      'eval',
      'predict',
      'report',
      'compare',
      'export',
      'bench',
      'info',
      'data',
    ])
      expect(stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'));
    for (const code of [0, 1, 2, 130, 143])
      expect(stdout).toMatch(new RegExp(`^Exit codes:.*\\b${code} `, 'm'));
  });

  test('--version says what a bug report needs, wherever it stands', async () => {
    const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    const { code, stdout } = await twill(['--version']);
    expect(code).toBe(0);
    const [first, backend, machine] = stdout.split('\n');
    expect(first).toBe(`twill ${version}`);
    expect(backend).toMatch(/^(native|wasm) backend, \w+, \d+ threads?$/);
    expect(machine).toContain(`Node ${process.version}, ${process.platform}-${process.arch}, `);
    expect((await twill(['train', '--version'])).stdout).toBe(stdout);
  });

  test('no command at all is told what there is', async () => {
    const { code, stdout, stderr } = await twill([]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('Commands:');
  });
});
