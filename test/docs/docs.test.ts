import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { encode } from 'fast-png';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { fashionMnist } from '../../src/data/index.node.js';
import { ISOLATION, launch, serve } from '../browser/browser.js';
import { writeFashionMnist } from '../support.js';
import { type Block, pages } from './blocks.js';
import { compile } from './compile.js';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });

const root = fileURLToPath(new URL('../..', import.meta.url));
const documents = pages();
const scripts = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts as object;
const exec = promisify(execFile);

/** Within the package, so that its own name resolves to what was built. */
let folder: string;
/** Fashion-MNIST with 600 images to train on and 200 to test. */
let data: string;
let browser: Browser;

beforeAll(async () => {
  mkdirSync(join(root, 'out'), { recursive: true });
  folder = mkdtempSync(join(root, 'out', 'docs-'));
  data = join(folder, 'fashion-mnist');
  const { train, test } = await fashionMnist();
  writeFashionMnist(data, train.take(600), test.take(200));
  for (const { name, blocks } of documents) {
    mkdirSync(join(folder, name));
    // What a reader of the guides has: a picture, and a file that PyTorch wrote.
    const shoe = { width: 28, height: 28, channels: 1, data: test.get(0).image as Uint8Array };
    writeFileSync(join(folder, name, 'shoe.png'), encode(shoe));
    copyFileSync(join(root, 'test/golden/init.safetensors'), join(folder, name, 'article.safetensors'));
    for (const block of blocks) {
      if (block.kind.startsWith('ts'))
        writeFileSync(fileOf(name, block, 'ts'), `${block.code}\nexport {};\n`);
    }
  }
  browser = await launch();
});

afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

/** Named after the line of the page that its first line is, so that errors tell where they are. */
const fileOf = (name: string, { line }: Block, extension: string) =>
  join(folder, name, `line-${line}.${extension}`);

test.each(['node', 'browser'] as const)('every block for %s compiles', (where) => {
  const kind = where === 'node' ? 'ts' : 'ts browser';
  const files = documents.flatMap(({ name, blocks }) =>
    blocks.filter((block) => block.kind === kind).map((block) => fileOf(name, block, 'ts')),
  );
  expect(compile(files, where)).toEqual([]);
});

describe.each(documents)('$path', ({ name, blocks }) => {
  // A guide without code has nothing to run.
  test.skipIf(blocks.length === 0)('does what it says, block by block', async () => {
    const cwd = join(folder, name);
    let printed: string | undefined;
    let html: string | undefined;
    for (const block of blocks) {
      const said = `${name}.md, line ${block.line}`;
      if (block.kind === 'ts') printed = await inNode(fileOf(name, block, 'js'), cwd);
      else if (block.kind === 'ts browser') printed = await inBrowser(fileOf(name, block, 'js'), html);
      else if (block.kind === 'html') html = block.code;
      else if (block.kind === 'sh') printed = await inShell(block.code, cwd);
      else if (block.kind === 'text') expect(printed, said).toBe(block.code);
      else if (block.kind === 'diagram') continue;
      else if (block.kind === 'python') await exec('python3', ['-c', PARSE, block.code]);
      else if (block.kind === 'json') JSON.parse(block.code);
      else expect.fail(`${said}: nothing runs a block of ${block.kind}`);
    }
  });
});

test("the README's first lines get almost 90 % of the real test images right", async () => {
  const [first] = documents[0]!.blocks.filter(({ kind }) => kind === 'ts');
  const printed = await inNode(fileOf('README', first!, 'js'), join(folder, 'README'), {});
  const epochs = printed
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number));
  expect(epochs.map(([epoch]) => epoch)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(epochs.at(-1)![2]).toBeGreaterThan(0.88);
});

const PARSE = 'import ast, sys; ast.parse(sys.argv[1])';

async function inNode(file: string, cwd: string, more: object = { TWILL_DATA: data }): Promise<string> {
  const env = { ...process.env, ...more };
  return (await exec(process.execPath, [file], { cwd, env })).stdout;
}

/** Runs our own commands; of the others only what a reader needs once, which is not run. */
async function inShell(code: string, cwd: string): Promise<string> {
  let printed = '';
  for (const line of code.split('\n')) {
    const [program, ...args] = line
      .replace(/ +[#>].*$/, '')
      .split(' ')
      .filter(Boolean);
    if (program === 'npx' && args[0] === 'twill') {
      const env = { ...process.env, TWILL_DATA: data };
      const main = join(root, 'dist/cli/main.js');
      printed += (await exec(process.execPath, [main, ...args.slice(1)], { cwd, env })).stdout;
    } else if (program === 'npm' && args[0] === 'run') {
      expect(Object.keys(scripts)).toContain(args[1]);
    } else if (program === 'npm' && ['start', 'test'].includes(args[0]!)) {
      expect(Object.keys(scripts)).toContain(args[0]);
    } else if (program) {
      // Needed once, and not here.
      expect(line).toMatch(/^(npm install|apt-get install|git clone|cd|pip install) /);
    }
  }
  return printed;
}

/** A page that does nothing but run the block, unless there is another one. */
const PAGE = `<!doctype html>
<script type="importmap">{ "imports": {
  "twill": "/node_modules/twill/dist/index.browser.js",
  "twill/data": "/node_modules/twill/dist/data/index.browser.js",
  "twill/report": "/node_modules/twill/dist/report/index.js",
  "twill/worker": "/node_modules/twill/dist/worker/index.browser.js" } }</script>
<script type="module" src="main.js"></script>`;

async function inBrowser(file: string, html = PAGE): Promise<string> {
  const main = `${readFileSync(file, 'utf8')}\nglobalThis.docsBlockIsDone = true;\n`;
  const url = (path: string) => pathToFileURL(join(path, '/'));
  const site = await serve({
    pages: { '/': html, '/main.js': main, '/favicon.ico': '' },
    folders: { '/node_modules/twill/dist/': url(join(root, 'dist')), '/fashion-mnist/': url(data) },
    headers: { ...ISOLATION, 'content-security-policy': "object-src 'none'" },
  });
  const page = await browser.newPage();
  let printed = '';
  try {
    const failed = new Promise<never>((_, reject) => page.on('pageerror', reject));
    page.on('console', (message) => (printed += `${message.text()}\n`));
    await page.goto(site.url);
    await Promise.race([failed, page.waitForFunction('globalThis.docsBlockIsDone')]);
    return printed;
  } finally {
    await page.close();
    site.close();
  }
}
