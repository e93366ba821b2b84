import { readdirSync, readFileSync } from 'node:fs';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { apiReports } from '../npm/api.js';
import { rootManifest } from '../npm/manifests.js';

type Conditions = { readonly [condition: string]: string | Conditions };

const root = new URL('../', import.meta.url);
const { exports, dependencies } = rootManifest() as unknown as {
  exports: Record<string, string | Conditions>;
  dependencies: Record<string, string>;
};

/** The script that an import resolves to under `conditions`, as Node and bundlers read the table of exports. */
function resolve(target: string | Conditions, conditions: readonly string[]): string | undefined {
  if (typeof target === 'string') return target;
  const met = Object.keys(target).find((name) => name === 'default' || conditions.includes(name));
  return met === undefined ? undefined : resolve(target[met]!, conditions);
}

const scripts = (conditions: readonly string[]) =>
  Object.entries(exports)
    .map(([entry, target]) => ({ entry, script: resolve(target, conditions) }))
    .filter(({ script }) => script?.endsWith('.js')) as { entry: string; script: string }[];

/** What a script loads: every module that it or what it loads imports, by `import`, `import()` or `new URL()`. */
function graphOf(script: string): { files: Set<string>; packages: Set<string> } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = (url: URL) => {
    if (files.has(url.href)) return;
    files.add(url.href);
    const text = readFileSync(url, 'utf8');
    const workers = [...text.matchAll(/new URL\('([^']+\.js)', import\.meta\.url\)/g)].map(
      ([, path]) => path!,
    );
    const imports = ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
    for (const specifier of [...imports, ...workers]) {
      if (specifier.startsWith('.')) visit(new URL(specifier, url));
      else packages.add(specifier);
    }
  };
  visit(new URL(script, root));
  return { files, packages };
}

describe('what a browser loads', () => {
  it.each(scripts(['import', 'browser']))(
    'of twill$entry needs no module of Node and no package that is not installed with it',
    ({ script }) => {
      const { files, packages } = graphOf(script);
      // Those of Node are none of them.
      expect([...packages].filter((name) => !(name in dependencies))).toEqual([]);
      expect([...files].filter((file) => file.includes('.node.'))).toEqual([]);
    },
  );

  it('is more than nothing', () => {
    expect(scripts(['import', 'browser']).length).toBeGreaterThanOrEqual(5);
    expect(graphOf('./dist/index.browser.js').files.size).toBeGreaterThan(30);
  });
});

describe('what Node loads', () => {
  it.each(scripts(['import', 'node']))(
    'of twill$entry needs what package.json names, and no more',
    ({ script }) => {
      const others = [...graphOf(script).packages].filter((name) => !/^(node:|twill\/)/.test(name));
      expect(others.filter((name) => !(name in dependencies))).toEqual([]);
    },
  );
});

describe('the public surface', () => {
  it(
    'is what npm/api says: after a change that is meant, `npm run api`, and look at the difference',
    { timeout: 120_000 },
    () => {
      const folder = new URL('npm/api/', root);
      const written = readdirSync(folder).map((name) => [name, readFileSync(new URL(name, folder), 'utf8')]);
      expect(Object.fromEntries(apiReports())).toEqual(Object.fromEntries(written));
    },
  );
});
