import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const LIST = fileURLToPath(new URL('../tools/package.json', import.meta.url));

/** The folder of other releases of Node, other package managers and other runtimes, from npm; installed once. */
export function installTools(): string {
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  const hash = createHash('sha256').update(readFileSync(LIST)).digest('hex').slice(0, 16);
  const folder = join(cache, 'twill', `install-tools-${hash}`);
  const done = join(folder, 'package-lock.json');
  if (!existsSync(done)) {
    mkdirSync(folder, { recursive: true });
    copyFileSync(LIST, join(folder, 'package.json'));
    const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    execFileSync('npm', args, { cwd: folder, stdio: 'inherit' });
  }
  return join(folder, 'node_modules');
}
