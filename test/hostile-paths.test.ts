import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

// No content of a file becomes a path: whoever reads a format is given bytes, and nothing that it is made of can open
// anything. So a name in a file (a tensor's, ONNX's external data) cannot lead anywhere, whatever it is.

const READERS = [
  'data/idx.ts',
  'data/gzip.ts',
  'data/image-file.node.ts',
  'io/safetensors.ts',
  'io/protobuf.ts',
  'io/model.ts',
  'onnx/import.ts',
  'report/history.ts',
  'train/checkpoint.ts',
];

/** What packages do with bytes; the packages' own code is looked at, too. */
const HARMLESS = ['node:zlib'];
const source = new URL('../src/', import.meta.url);

/** Modules that a file imports, types left out. */
function importsOf(text: string): string[] {
  const from = [...text.matchAll(/^(?:import|export) (?!type )[^;]*?from '([^']+)'/gm)];
  const plain = [...text.matchAll(/^import '([^']+)'|\bimport\('([^']+)'\)|\brequire\('([^']+)'\)/gm)];
  return [...from.map(([, name]) => name!), ...plain.map(([, a, b, c]) => (a ?? b ?? c)!)];
}

function reachable(entry: string): { files: string[]; packages: string[] } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const queue = [new URL(entry, source).href];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (files.has(file)) continue;
    files.add(file);
    for (const name of importsOf(readFileSync(new URL(file), 'utf8'))) {
      if (name.startsWith('.')) queue.push(new URL(name.replace(/\.js$/, '.ts'), file).href);
      else packages.add(name);
    }
  }
  return { files: [...files], packages: [...packages] };
}

it.each(READERS)('%s reaches nothing that opens a file, a connection or a process', (entry) => {
  const { files, packages } = reachable(entry);
  expect(files.length).toBeGreaterThan(0);
  expect(packages.filter((name) => name.startsWith('node:') && !HARMLESS.includes(name))).toEqual([]);
  expect(
    packages
      .filter((name) => !name.startsWith('node:'))
      .every((name) => /^(fast-png|jpeg-js|pbf)$/.test(name)),
  ).toBe(true);
  for (const file of files) {
    expect(readFileSync(new URL(file), 'utf8'), file).not.toMatch(
      /\bfetch\(|[=(;:] *eval\(|new Function\(|process\.binding/,
    );
  }
});
