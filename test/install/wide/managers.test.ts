import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageOf } from '../../../npm/manifests.js';
import { Project, type Published, publish } from '../project.js';
import { installTools } from './tools.js';

const tools = installTools();
const node = (release: string) => join(tools, release, 'bin/node');
let published: Published;
beforeAll(async () => {
  published = await publish();
});
afterAll(() => published.withdraw());

interface Manager {
  readonly name: string;
  readonly node: string;
  readonly script: string;
  readonly add: readonly string[];
  /** Where not `node`: what runs a program. */
  readonly run?: readonly string[];
  /** Yarn's configuration. */
  readonly linker?: string;
}

const npm = ['install', '--ignore-scripts', '--no-audit', '--no-fund'];
const MANAGERS: readonly Manager[] = [
  { name: 'npm 11', node: 'node20', script: 'npm11/bin/npm-cli.js', add: npm },
  { name: 'npm 12', node: 'node22', script: 'npm12/bin/npm-cli.js', add: npm },
  {
    name: 'npm 12, its defaults for scripts',
    node: 'node24',
    script: 'npm12/bin/npm-cli.js',
    add: ['install'],
  },
  { name: 'pnpm', node: 'node22', script: 'pnpm/bin/pnpm.mjs', add: ['add'] },
  { name: 'yarn 1', node: 'node20', script: 'yarn1/bin/yarn.js', add: ['add', '--ignore-scripts'] },
  { name: 'yarn 4', node: 'node20', script: 'yarn4/bin/yarn.js', add: ['add'], linker: 'node-modules' },
  {
    name: 'yarn 4, Plug and Play',
    node: 'node20',
    script: 'yarn4/bin/yarn.js',
    add: ['add'],
    run: ['node'],
    linker: 'pnp',
  },
];

describe.each(MANAGERS)('installed by $name', ({ node: release, script, add, run, linker }) => {
  let project: Project;
  const manager = (args: readonly string[]) => project.run(node(release), [join(tools, script), ...args]);
  const train = (program: string, env?: Record<string, string>) =>
    project.result(node(release), run ? [join(tools, script), ...run, program] : [program], env);

  beforeAll(async () => {
    project = new Project(published);
    if (linker) {
      const scope = `npmScopes:\n  twill:\n    npmRegistryServer: "${published.registry.address.slice(0, -1)}"\n`;
      const local =
        'unsafeHttpWhitelist: ["127.0.0.1"]\nenableTelemetry: false\nenableImmutableInstalls: false\n';
      // Else it would remember what an earlier build published under the same version, and where.
      const cache = 'globalFolder: ./.yarn/global\n';
      project.write('.yarnrc.yml', `nodeLinker: ${linker}\n${cache}${local}${scope}`);
      project.write('yarn.lock', '');
    }
    const spec = linker ? `twill@file:${published.twill}` : published.twill;
    const { code, stdout, stderr } = await manager([...add, spec]);
    expect(code, stdout + stderr).toBe(0);
  });
  afterAll(() => project.remove());

  it('trains on the addon', async () => {
    const { backend, first, last, openmp, stderr } = await train('train.mjs');
    expect({ backend, stderr }).toEqual({ backend: 'native', stderr: '' });
    expect(last).toBeLessThan(first / 5);
    expect(openmp).toEqual([expect.stringMatching(/linux-x64-gnu.*\/libgomp\.so\.1$/)]);
  });

  it('trains in workers', async () => {
    expect(await train('workers.mjs')).toMatchObject({ backend: 'native', worker: 'native' });
  });

  it('trains on WebAssembly', async () => {
    expect(await train('train.mjs', { TWILL_BACKEND: 'wasm' })).toMatchObject({
      backend: 'wasm',
      stderr: '',
    });
  });
});

describe('npm', () => {
  const install = [...npm, '--prefer-offline'];

  it('mends what was installed without optional dependencies, by the command that is named', async () => {
    const project = new Project(published);
    await project.run('npm', [...install, '--omit=optional', published.twill]);
    project.write('.npmrc', `${project.read('.npmrc')}omit=optional\n`);
    const { backend, stderr } = await project.result(process.execPath, ['train.mjs']);
    expect(backend).toBe('wasm');
    const [program, ...args] = /To get it, run `(.*)`/.exec(stderr)![1]!.split(' ');
    expect((await project.run(program!, args)).code).toBe(0);
    expect(await project.result(process.execPath, ['train.mjs'])).toMatchObject({
      backend: 'native',
      stderr: '',
    });
    project.remove();
  });

  it('finds the addon by a lockfile that another platform has written', async () => {
    const project = new Project(published);
    const elsewhere = ['--os=darwin', '--cpu=arm64', '--package-lock-only'];
    expect((await project.run('npm', [...install, ...elsewhere, published.twill])).code).toBe(0);
    rmSync(project.path('node_modules'), { recursive: true, force: true });
    const { code, stderr } = await project.run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund']);
    expect(code, stderr).toBe(0);
    expect(project.read('package-lock.json')).toContain(packageOf(published.host));
    expect(await project.result(process.execPath, ['train.mjs'])).toMatchObject({ backend: 'native' });
    project.remove();
  });
});
