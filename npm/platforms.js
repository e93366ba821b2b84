import { readFileSync } from 'node:fs';

/**
 * A row of platforms.json: a platform with an addon of its own. The published packages, the loader's candidates and
 * the jobs of .github/workflows/packages.yml all follow from that file.
 * @typedef {object} Platform
 * @property {string} os As `process.platform` has it.
 * @property {string} cpu As `process.arch` has it.
 * @property {'glibc' | 'musl'} [libc]
 * @property {string[]} files What its package holds: the addon, and the OpenMP runtime beside it.
 * @property {string} [compiler] Builds it on Linux machines of another kind.
 * @property {{ [library: string]: string }} [floor] The newest symbol versions that a release may ask for.
 * @property {string} runner GitHub's name of the machine that builds it.
 * @property {string} [container] Image that it is built in there: an old one, so that it runs on old systems.
 * @property {string} prepare Installs there what `npm run build:native` needs.
 * @property {string} [waits] Why it is not published yet.
 */

const TABLE = new URL('./platforms.json', import.meta.url);

/** By name: the name of the package is `@twill/` and this. @type {Readonly<Record<string, Platform>>} */
export const PLATFORMS = JSON.parse(readFileSync(TABLE, 'utf8'));

/** Names of those that are published. */
export const PUBLISHED = Object.keys(PLATFORMS).filter((name) => !PLATFORMS[name]?.waits);

/** The platform of this machine, by its name in the table; undefined where the table has none. */
export function hostPlatform() {
  const { platform, arch } = process;
  const libc = platform === 'linux' ? hostLibc() : undefined;
  return Object.keys(PLATFORMS).find((name) => {
    const { os, cpu, libc: wanted } = /** @type {Platform} */ (PLATFORMS[name]);
    return os === platform && cpu === arch && wanted === libc;
  });
}

function hostLibc() {
  const report = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
  return report.header.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
}
