// Makes a release, up to the push that lets CI build its packages (npm/publish.js publishes them):
//
//   npm run release -- 0.2.0 [--dry-run]
//
// The tree has to be clean and on `main`, the version higher than the last one, and CHANGELOG.md has to say what is
// new under "Unreleased". Then everything is checked (`npm run check`) and packed, and only after that version and
// changelog are committed and tagged. With --dry-run it stops before it changes anything.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { released } from './changelog.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { 'dry-run': { type: 'boolean', default: false } },
});

/** @param {string} command @param {string[]} args */
const ask = (command, ...args) => execFileSync(command, args, { encoding: 'utf8' }).trim();

/** @param {string} command @param {string[]} args */
function run(command, ...args) {
  console.log(`release: ${command} ${args.join(' ')}`);
  execFileSync(command, args, { stdio: 'inherit' });
}

/** The numbers of a version, most significant first. @param {string} version */
const numbers = (version) => version.split('.').map(Number);

/** @param {string | undefined} version @param {string} last */
function checkVersion(version, last) {
  if (!version || !/^\d+\.\d+\.\d+$/.test(version)) {
    throw new Error(`a release needs a version such as 0.2.0 but got ${version ?? 'none'}`);
  }
  const [before, after] = [numbers(last), numbers(version)];
  const at = after.findIndex((number, n) => number !== before[n]);
  if (at < 0 || /** @type {number} */ (after[at]) < /** @type {number} */ (before[at])) {
    throw new Error(`${version} is not higher than ${last}, the version of package.json`);
  }
  return version;
}

function main() {
  const last = JSON.parse(readFileSync('package.json', 'utf8')).version;
  const version = checkVersion(positionals[0], last);
  const branch = ask('git', 'rev-parse', '--abbrev-ref', 'HEAD');
  if (branch !== 'main') throw new Error(`releases are made on main but this is ${branch}`);
  const changed = ask('git', 'status', '--porcelain');
  if (changed !== '') throw new Error(`the tree is not clean:\n${changed}`);
  if (ask('git', 'tag', '--list', `v${version}`) !== '')
    throw new Error(`there is a tag v${version} already`);
  const changelog = released(
    readFileSync('CHANGELOG.md', 'utf8'),
    version,
    new Date().toISOString().slice(0, 10),
  );

  run('npm', 'run', 'check');
  run('npm', 'run', 'pack');
  if (values['dry-run']) {
    console.log(`release: ${version} could be made; nothing was changed`);
    return;
  }
  writeFileSync('CHANGELOG.md', changelog);
  run('npm', 'version', version, '--no-git-tag-version');
  run(
    'git',
    'commit',
    '--quiet',
    '-m',
    `Release ${version}`,
    'CHANGELOG.md',
    'package.json',
    'package-lock.json',
  );
  run('git', 'tag', '-a', `v${version}`, '-m', `Twill ${version}`);
  console.log(
    `release: v${version} is ready; \`git push --follow-tags\` lets CI build and test its packages`,
  );
}

try {
  main();
} catch (error) {
  console.error(`release: ${/** @type {Error} */ (error).message}`);
  process.exit(1);
}
