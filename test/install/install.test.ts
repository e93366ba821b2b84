import { readdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { packageOf } from '../../npm/manifests.js';
import { Project, type Published, publish } from './project.js';

const INSTALL = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];

vi.setConfig({ testTimeout: 120_000 });

let published: Published;
let project: Project;

beforeAll(async () => {
  published = await publish();
  project = new Project(published);
  const { code, stderr } = await project.run('npm', [...INSTALL, published.twill]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
}, 120_000);

afterAll(async () => {
  project.remove();
  await published.withdraw();
});

const addonFolder = () => project.path('node_modules', packageOf(published.host));
const node = (file: string, env?: Record<string, string>) => project.result(process.execPath, [file], env);

function filesOf(folder: string): { path: string; bytes: number }[] {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return paths
    .map((path) => ({ path, stat: statSync(join(folder, path)) }))
    .filter(({ stat }) => stat.isFile())
    .map(({ path, stat }) => ({ path, bytes: stat.size }));
}

describe('what would be published', () => {
  it('runs no script and compiles nothing where it is installed', () => {
    for (const name of ['twill', published.host]) {
      const folder = join(published.folder, name);
      expect(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))).not.toHaveProperty('scripts');
      expect(filesOf(folder).filter(({ path }) => /\.gyp$|CMakeLists|\.cc$/.test(path))).toEqual([]);
    }
  });

  it('has every file that its package.json names', () => {
    const folder = join(published.folder, 'twill');
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const named = JSON.stringify([manifest.exports, manifest.bin, manifest.sideEffects]).match(
      /\.\/dist\/[^"*]+/g,
    )!;
    const files = new Set(filesOf(folder).map(({ path }) => `./${path}`));
    expect(named.filter((file) => !file.endsWith('/') && !files.has(file))).toEqual([]);
  });

  it('weighs less than 2 MB natively', () => {
    const bytes = filesOf(join(published.folder, published.host)).reduce((sum, file) => sum + file.bytes, 0);
    expect(bytes).toBeLessThan(2_000_000);
  });
});

describe('installed by npm with scripts ignored', () => {
  it("trains on the addon, with the OpenMP runtime beside it and not the system's", async () => {
    const { backend, fallbacks, first, last, openmp, stderr } = await node('train.mjs');
    expect({ backend, fallbacks, stderr }).toEqual({ backend: 'native', fallbacks: [], stderr: '' });
    expect(last).toBeLessThan(first / 5);
    expect(openmp).toEqual([realpathSync(join(addonFolder(), 'libgomp.so.1'))]);
  });

  it('loads in workers, too, and ends', async () => {
    expect(await node('workers.mjs')).toEqual({ backend: 'native', worker: 'native', stderr: '' });
  });

  it('can be required', async () => {
    expect(await node('require.cjs')).toMatchObject({ backend: 'native', loaded: true });
  });

  it.each(['node16', 'bundler'])('compiles with moduleResolution %s', async (moduleResolution) => {
    const module = moduleResolution === 'bundler' ? 'esnext' : moduleResolution;
    const types = fileURLToPath(new URL('../../node_modules/@types', import.meta.url));
    const options = {
      module,
      moduleResolution,
      target: 'es2023',
      strict: true,
      noEmit: true,
      skipLibCheck: false,
    };
    const compilerOptions = { ...options, typeRoots: [types], types: ['node'] };
    project.write('tsconfig.json', JSON.stringify({ compilerOptions, files: ['types.mts'] }));
    const tsc = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url));
    expect(await project.run(process.execPath, [tsc])).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});

describe('without the package of the platform', () => {
  beforeAll(() => rmSync(addonFolder(), { recursive: true }));

  it('trains on WebAssembly, says so once, and says what mends it', async () => {
    const { backend, fallbacks, first, last, stderr } = await node('train.mjs');
    expect(backend).toBe('wasm');
    expect(last).toBeLessThan(first / 5);
    expect(fallbacks[0]).toMatch(
      /^the native backend cannot be had: the package @twill\/\S+ is not installed/,
    );
    expect(
      stderr.match(/TwillWarning: twill computes with the wasm backend: .* To get it, run `/g),
    ).toHaveLength(1);
  });

  it.each(['workers.mjs', 'only-workers.mjs'])(
    'says so once in a process of several threads: %s',
    async (app) => {
      const { worker, stderr } = await node(app);
      expect(worker).toBe('wasm');
      expect(stderr.match(/TwillWarning/g)).toHaveLength(1);
    },
  );

  it('refuses where the addon is forced, and is silent where WebAssembly is', async () => {
    const forced = await project.run(process.execPath, ['train.mjs'], { TWILL_BACKEND: 'native' });
    expect(forced.code).toBe(1);
    expect(forced.stderr).toMatch(
      /BackendUnavailableError: \[loadBackend\] no backend \(tried native\): .* is not installed. To get it, run `npm install/,
    );
    const wasm = await node('train.mjs', { TWILL_BACKEND: 'wasm' });
    expect(wasm).toMatchObject({ backend: 'wasm', stderr: '' });
  });

  it('is mended by the command that it names', async () => {
    const { stderr } = await node('train.mjs');
    const [program, ...args] = /To get it, run `(.*)`/.exec(stderr)![1]!.split(' ');
    expect((await project.run(program!, [...args, ...INSTALL.slice(1)])).code).toBe(0);
    expect(await node('train.mjs')).toMatchObject({ backend: 'native', stderr: '' });
    // As a dependency that other systems may do without.
    expect(JSON.parse(project.read('package.json')).optionalDependencies).toHaveProperty(
      packageOf(published.host),
    );
  });

  it('tells another version from the one that it needs', async () => {
    const file = join(addonFolder(), 'package.json');
    const manifest = readFileSync(file, 'utf8');
    writeFileSync(file, manifest.replace(/"version": "[^"]+"/, '"version": "0.0.1"'));
    const { backend, fallbacks } = await node('train.mjs');
    writeFileSync(file, manifest);
    expect(backend).toBe('wasm');
    expect(fallbacks[0]).toMatch(
      /is installed in version 0\.0\.1 but twill needs \S+\. To get it, run `npm install/,
    );
  });

  it('says what the system lacks where the addon is there and cannot be loaded', async () => {
    const file = join(addonFolder(), 'twill.node');
    writeFileSync(file, 'no library');
    const { backend, fallbacks } = await node('train.mjs');
    expect(backend).toBe('wasm');
    expect(fallbacks[0]).toMatch(/twill\.node: file too short\. To get it, /);
  });
});
