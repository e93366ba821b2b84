import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * A fenced block of a page. What it is called decides what is done with it: `ts` is compiled and run in Node,
 * `ts browser` in Chromium (in the page of the `html` block before it, if there is one), `sh` is run line by line,
 * `python` compiled; `text` after one of them is what that prints.
 */
export interface Block {
  readonly kind: string;
  readonly code: string;
  /** Of the code, in the page. */
  readonly line: number;
}

export interface Page {
  /** `README.md`, `docs/worker.md` */
  readonly path: string;
  readonly name: string;
  readonly blocks: readonly Block[];
}

/** The README and every guide. */
export function pages(): Page[] {
  const guides = readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`);
  return ['README.md', ...guides].map((path) => ({
    path,
    name: basename(path, '.md'),
    blocks: blocksOf(readFileSync(join(ROOT, path), 'utf8')),
  }));
}

function blocksOf(text: string): Block[] {
  return [...text.matchAll(/^```(\S.*)\n([\s\S]*?)^```$/gm)].map(({ 1: kind, 2: code, index }) => ({
    kind: kind!,
    code: code!,
    line: text.slice(0, index).split('\n').length + 1,
  }));
}
