// Tells the oldest libraries that an addon and its OpenMP runtime run with, by the newest symbol versions that they ask
// for, and fails where a release may not ask for as much: `node npm/floor.js linux-x64-gnu`, after `npm run pack`.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { PLATFORMS } from './platforms.js';

const [name = ''] = process.argv.slice(2);
const { files, floor = {} } = PLATFORMS[name] ?? { files: [] };
let tooNew = false;
for (const file of files) {
  const path = fileURLToPath(new URL(`../build/packages/${name}/${file}`, import.meta.url));
  const symbols = execFileSync('objdump', ['-T', path], { encoding: 'utf8' });
  for (const [library, allowed] of Object.entries(floor)) {
    const versions = [...symbols.matchAll(new RegExp(`\\(${library}_([\\d.]+)\\)`, 'g'))].map(
      ([, version]) => version,
    );
    const newest = versions.sort(compare).at(-1);
    if (newest === undefined) continue;
    const above = compare(newest, allowed) > 0;
    tooNew ||= above;
    console.log(`${file} needs ${library} ${newest}${above ? `, above the floor ${allowed}` : ''}`);
  }
}
process.exitCode = tooNew ? 1 : 0;

/** @param {string | undefined} a @param {string | undefined} b */
function compare(a, b) {
  return (a ?? '').localeCompare(b ?? '', 'en', { numeric: true });
}
