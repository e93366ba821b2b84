import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `tools`: other releases of Node, other package managers and other runtimes. */
type List = 'tools' | 'onnxruntime';

const fileOf = (list: List) => fileURLToPath(new URL(`../${list}/package.json`, import.meta.url));

/** Where what a list names is, or is to be installed. */
export function toolsFolder(list: List): string {
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  const hash = createHash('sha256')
    .update(readFileSync(fileOf(list)))
    .digest('hex')
    .slice(0, 16);
  return join(cache, 'twill', `install-${list}-${hash}`);
}

/** The node_modules with what a list names, from npm; installed once. */
export function installTools(list: List = 'tools'): string {
  const folder = toolsFolder(list);
  const done = join(folder, 'package-lock.json');
  if (!existsSync(done)) {
    mkdirSync(folder, { recursive: true });
    copyFileSync(fileOf(list), join(folder, 'package.json'));
    const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    execFileSync('npm', args, { cwd: folder, stdio: 'inherit' });
  }
  return join(folder, 'node_modules');
}
