import { execFileSync } from 'node:child_process';
import { realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageOf } from '../../../npm/manifests.js';
import { Project, type Published, publish } from '../project.js';
import { installTools } from './tools.js';

const tools = installTools();
let published: Published;
let project: Project;

beforeAll(async () => {
  published = await publish();
  project = new Project(published);
  const args = [
    'install',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    published.twill,
  ];
  expect((await project.run('npm', args)).code).toBe(0);
});
afterAll(async () => {
  project.remove();
  await published.withdraw();
});

describe.each(['node20', 'node20-without-require', 'node22', 'node24'])('%s', (release) => {
  const node = join(tools, release, 'bin/node');

  it.each(['native', 'wasm'])('trains on %s', async (backend) => {
    const result = await project.result(node, ['train.mjs'], { TWILL_BACKEND: backend });
    expect(result).toMatchObject({ backend, stderr: '' });
    expect(result.last).toBeLessThan(result.first / 5);
  });

  it('loads in workers, too, and ends', async () => {
    expect(await project.result(node, ['workers.mjs'])).toEqual({
      backend: 'native',
      worker: 'native',
      stderr: '',
    });
  });

  it('requires it, or says what to do instead', async () => {
    const { code, stdout, stderr } = await project.run(node, ['require.cjs']);
    if (release === 'node20-without-require') {
      expect(code).toBe(1);
      expect(stderr).toMatch(
        /ERR_REQUIRE_ESM[^]*|dynamic import\(\) which is available in all CommonJS modules/,
      );
    } else {
      expect(JSON.parse(stdout)).toMatchObject({ backend: 'native', loaded: true });
    }
  });
});

describe.each([
  { name: 'Bun', command: ['bun/bin/bun', 'run'] },
  { name: 'Deno', command: ['deno/deno', 'run', '--allow-all', '--no-prompt'] },
])('$name', ({ command: [program, ...args] }) => {
  it.each(['native', 'wasm'])('trains on %s', async (backend) => {
    const result = await project.result(join(tools, program!), [...args, 'train.mjs'], {
      TWILL_BACKEND: backend,
    });
    expect(result).toMatchObject({ backend });
    expect(result.last).toBeLessThan(result.first / 5);
  });
});

describe('an old processor', () => {
  it.each([
    { cpu: 'Nehalem', isa: 'sse2' },
    { cpu: 'Haswell', isa: 'avx2' },
  ])('$cpu trains on $isa', async ({ cpu, isa }) => {
    const result = await project.result('qemu-x86_64', ['-cpu', cpu, process.execPath, 'train.mjs'], {
      OMP_NUM_THREADS: '2',
    });
    expect(result).toMatchObject({ backend: 'native', isa });
    expect(result.last).toBeLessThan(result.first / 5);
  });
});

describe('a system without libgomp', () => {
  /** In a mount namespace of its own, with nothing where the system's libgomp is. */
  const hidden = (command: string) => {
    const system = execFileSync(
      'sh',
      ['-c', "ldconfig -p | awk '/libgomp.so.1 .*x86-64/ { print $NF; exit }'"],
      {
        encoding: 'utf8',
      },
    );
    const script = `mount --bind /dev/null ${realpathSync(system.trim())} && ${command}`;
    return project.result('unshare', ['--mount', 'sh', '-c', script]);
  };

  it('trains with the one in the package, and on WebAssembly where that is gone, too', async () => {
    const train = `${process.execPath} train.mjs`;
    expect(await hidden(train)).toMatchObject({ backend: 'native', stderr: '' });
    rmSync(project.path('node_modules', packageOf(published.host), 'libgomp.so.1'));
    const { backend, fallbacks } = await hidden(train);
    expect(backend).toBe('wasm');
    expect(fallbacks[0]).toMatch(/libgomp\.so\.1: /);
  });
});
