// Builds the addon of a platform: `npm run build:platform -- linux-arm64-gnu`, here with the cross compiler that the
// table names. This machine's own is what `npm run build:native` builds.
import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hostPlatform, PLATFORMS } from './platforms.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** CMake's name of a processor, by Node's. */
const PROCESSORS = { x64: 'x86_64', arm64: 'aarch64' };

/**
 * The build tree of a platform.
 * @param {string} name
 */
export function buildOf(name) {
  return join(ROOT, 'build', name === hostPlatform() ? 'native' : name);
}

/**
 * Cross-compiles a platform's addon and the kernels' tests for it.
 * @param {string} name
 */
export function crossBuild(name) {
  const { compiler, cpu } = PLATFORMS[name] ?? {};
  if (!compiler)
    throw new Error(`npm/platforms.json names no cross compiler for ${name}: build it on such a machine`);
  const build = buildOf(name);
  const processor = PROCESSORS[/** @type {keyof typeof PROCESSORS} */ (cpu)];
  const settings = {
    CMAKE_SYSTEM_NAME: 'Linux',
    CMAKE_SYSTEM_PROCESSOR: processor,
    CMAKE_CXX_COMPILER: compiler,
    TWILL_ADDON_DIRECTORY: join(build, 'addon'),
    TWILL_TEST_DIRECTORY: join(build, 'test'),
  };
  const definitions = Object.entries(settings).map(([key, value]) => `-D${key}=${value}`);
  const run = (/** @type {string[]} */ ...args) => execFileSync('cmake', args, { stdio: 'inherit' });
  run('-S', ROOT, '-B', build, ...definitions);
  run('--build', build, '--parallel', String(availableParallelism()), '--target', 'twill', 'native_tests');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const name of process.argv.slice(2)) crossBuild(name);
}
