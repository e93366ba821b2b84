import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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
  'an import map': importMap,
  'a plain script': script,
};
