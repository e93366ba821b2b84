import { createHash } from 'node:crypto';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeResolve } from '@rollup/plugin-node-resolve';
import { build as buildWithEsbuild } from 'esbuild';
import { rollup as bundleWithRollup } from 'rollup';
import { build as buildVite, createServer } from 'vite';
import webpack from 'webpack';
import { serve } from '../browser/browser.js';
import type { Project } from './project.js';

type Headers = Readonly<Record<string, string>>;

/** An app that is ready to be served. */
export interface Built {
  /** Serves it with these headers; `url` is the page's address. */
  serve(headers: Headers): Promise<{ url: string; close: () => void }>;
  /** The strictest content security policy that it runs under. */
  readonly policy: string;
}

/** A way from an app's source to a page: each tool as it comes, without configuration where that works. */
export type Build = (project: Project) => Promise<Built>;

/** Nothing evaluated, nothing from elsewhere. */
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";

/** A script in the page itself is allowed by its hash. */
const hashOf = (script: string) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`;

/** The files of a folder, with the page at `path`. */
const files = (folder: URL, path = '', policy = POLICY): Built => ({
  policy,
  async serve(headers) {
    const { url, close } = await serve({ pages: {}, folders: { '/': folder }, headers });
    return { url: `${url}${path}`, close };
  },
});

const viteDev: Build = async ({ root }) => ({
  policy: POLICY,
  async serve(headers) {
    const server = await createServer({
      root: join(root, 'vite'),
      configFile: false,
      logLevel: 'warn',
      server: { host: '127.0.0.1', headers, watch: null },
    });
    await server.listen();
    return { url: server.resolvedUrls!.local[0]!, close: () => void server.close() };
  },
});

const vite: Build = async ({ root, folder }) => {
  await buildVite({ root: join(root, 'vite'), configFile: false, logLevel: 'warn' });
  return files(folder('vite/dist'));
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
  return files(folder('.'), 'webpack/');
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
  return files(project.folder('.'), 'esbuild/');
};

/** As with esbuild. */
const rollup: Build = async (project) => {
  const dist = join(project.root, 'rollup', 'dist');
  const bundle = await bundleWithRollup({
    input: { main: join(project.root, 'rollup', 'main.js'), worker: 'twill/worker/script' },
    plugins: [nodeResolve({ browser: true, rootDir: project.root })],
    onwarn({ message }) {
      throw new Error(message); // what a user would be shown
    },
  });
  await bundle.write({ dir: dist, format: 'es' });
  await bundle.close();
  await copyWasm(project, dist);
  return files(project.folder('.'), 'rollup/');
};

function copyWasm({ root }: Project, dist: string): Promise<void> {
  return cp(join(root, 'node_modules', 'twill', 'dist', 'wasm'), join(dist, 'wasm'), { recursive: true });
}

const importMap: Build = async ({ root, folder }) => {
  const html = await readFile(join(root, 'importmap', 'index.html'), 'utf8');
  const inline = /<script type="importmap">(.*?)<\/script>/s.exec(html)![1]!;
  return files(folder('.'), 'importmap/', `${POLICY} ${hashOf(inline)}`);
};

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
  return files(folder('.'), 'script/');
};

/** Everything in one HTML file: `twill/inline` takes the place of `twill` without a change to the app. */
export const oneFile: Build = async ({ root, folder }) => {
  const { outputFiles } = await buildWithEsbuild({
    absWorkingDir: join(root, 'inline'),
    entryPoints: ['./main.js'],
    alias: { twill: 'twill/inline' },
    bundle: true,
    minify: true,
    format: 'iife',
    write: false,
    logLevel: 'warning',
  });
  const script = outputFiles[0]!.text;
  const html = `<!doctype html><meta charset="utf-8"><title>inline</title><script>${script}</script>`;
  await writeFile(join(root, 'inline', 'index.html'), html);
  const alone = "default-src 'none'; worker-src blob:; script-src 'wasm-unsafe-eval'";
  return files(folder('inline'), '', `${alone} ${hashOf(script)}`);
};

/** With the `.wasm` files beside the script. */
export const BUILDS: Readonly<Record<string, Build>> = {
  'Vite, in development': viteDev,
  'Vite, built': vite,
  webpack: bundleWithWebpack,
  esbuild,
  Rollup: rollup,
  'an import map': importMap,
  'a plain script': script,
};
