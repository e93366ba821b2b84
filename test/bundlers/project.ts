import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { pack } from '../../npm/pack.js';

const run = promisify(execFile);

/** A project of someone else: this folder's apps, and the package as npm would install it. */
export interface Project {
  readonly root: string;
  /** The folder `name` in it, as an address with a slash at its end. */
  folder(name: string): URL;
  remove(): Promise<void>;
}

export async function createProject(): Promise<Project> {
  const root = await mkdtemp(join(tmpdir(), 'twill-bundlers-'));
  const installed = join(root, 'node_modules', 'twill');
  await mkdir(installed, { recursive: true });
  const [tarball] = pack(join(root, 'packages'), ['twill']);
  await run('tar', ['-xzf', tarball!, '-C', installed, '--strip-components=1']);
  await cp(fileURLToPath(new URL('.', import.meta.url)), root, { recursive: true });
  // One repository of many apps: Vite's development server serves only what is within.
  await writeFile(join(root, 'package.json'), JSON.stringify({ private: true, workspaces: ['*'] }));
  return {
    root,
    folder: (name) => pathToFileURL(join(root, name, '/')),
    remove: () => rm(root, { recursive: true, force: true }),
  };
}
