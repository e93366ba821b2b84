import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeResolve } from '@rollup/plugin-node-resolve';
import { build as buildWithEsbuild } from 'esbuild';
import { rollup as bundleWithRollup } from 'rollup';
import { build as buildVite } from 'vite';
import webpack from 'webpack';
import type { Project } from './project.js';

/** What a server is to serve, and the page's path there. */
export interface Built {
  readonly folder: URL;
  readonly path: string;
}

/** A way from an app's source to a page: each tool as it comes, without configuration where that works. */
export type Build = (project: Project) => Promise<Built>;

const vite: Build = async ({ root, folder }) => {
  await buildVite({ root: join(root, 'vite'), configFile: false, logLevel: 'warn' });
  return { folder: folder('vite/dist'), path: '' };
};

const bundleWithWebpack: Build = async ({ root, folder }) => {
  const compiler = webpack({
    mode: 'production',
    context: join(root, 'webpack'),
    entry: './main.js',
    output: { path: join(root, 'webpack', 'dist') },
  });
  await new Promise<void>((done, fail) => {
    compiler.run((error, stats) => {
      if (error) fail(error);
      else if (stats?.hasErrors()) fail(new Error(stats.toString()));
      else compiler.close(() => done());
    });
  });
  return { folder: folder('.'), path: 'webpack/' };
};

/** Knows nothing of workers and files: the worker's script is one more entry, the files are copied. */
const esbuild: Build = async (project) => {
  const dist = join(project.root, 'esbuild', 'dist');
  await buildWithEsbuild({
    absWorkingDir: join(project.root, 'esbuild'),
    entryPoints: { main: './main.js', worker: 'twill/worker/script' },
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    outdir: dist,
    logLevel: 'warning',
  });
  await copyWasm(project, dist);
  return { folder: project.folder('.'), path: 'esbuild/' };
};

/** As with esbuild. */
const rollup: Build = async (project) => {
  const dist = join(project.root, 'rollup', 'dist');
  const bundle = await bundleWithRollup({
    input: { main: join(project.root, 'rollup', 'main.js'), worker: 'twill/worker/script' },
    plugins: [nodeResolve({ browser: true, rootDir: project.root })],
  });
  await bundle.write({ dir: dist, format: 'es' });
  await bundle.close();
  await copyWasm(project, dist);
  return { folder: project.folder('.'), path: 'rollup/' };
};

function copyWasm({ root }: Project, dist: string): Promise<void> {
  return cp(join(root, 'node_modules', 'twill', 'dist', 'wasm'), join(dist, 'wasm'), { recursive: true });
}

const importMap: Build = async ({ folder }) => ({ folder: folder('.'), path: 'importmap/' });

/** No bundler and no import map: the imports are addresses. */
const script: Build = async ({ root, folder }) => {
  const addresses: Record<string, string> = {
    twill: '/node_modules/twill/dist/index.browser.js',
    'twill/data': '/node_modules/twill/dist/data/index.browser.js',
    'twill/worker': '/node_modules/twill/dist/worker/index.browser.js',
  };
  const app = await readFile(join(root, 'app.js'), 'utf8');
  const addressed = app.replace(/from '(twill[^']*)'/g, (_, name: string) => `from '${addresses[name]}'`);
  await writeFile(join(root, 'script', 'app.js'), addressed);
  return { folder: folder('.'), path: 'script/' };
};

export const BUILDS: Readonly<Record<string, Build>> = {
  'Vite, built': vite,
  webpack: bundleWithWebpack,
  esbuild,
  Rollup: rollup,
  'an import map': importMap,
  'a plain script': script,
};
