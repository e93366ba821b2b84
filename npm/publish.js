// Publishes the tarballs that CI has built, each platform's and at last twill itself, which names them:
//
//   npm run publish:packages -- build/packages [--confirm] [--no-provenance]
//
// Without --confirm npm only tells what it would do.
//
// All of them have to be there, of the version that package.json and the tag (`GITHUB_REF_NAME`) name. What the
// registry has already is left out, so that a publication that failed half-way can be repeated. Provenance (who built
// it, from which commit) is npm's, and to be had in CI only.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { platformManifest, rootManifest } from './manifests.js';
import { PUBLISHED } from './platforms.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    confirm: { type: 'boolean', default: false },
    'no-provenance': { type: 'boolean', default: false },
  },
});

/** As `npm pack` names it. @param {string} name @param {string} version */
const tarballOf = (name, version) => `${name.replace('@', '').replace('/', '-')}-${version}.tgz`;

/** @param {string} name @param {string} version */
function isPublished(name, version) {
  const { stdout, status, stderr } = spawnSync('npm', ['view', `${name}@${version}`, 'version'], {
    encoding: 'utf8',
  });
  if (status === 0) return stdout.trim() !== '';
  if (stderr.includes('E404')) return false;
  throw new Error(`the registry does not tell whether it has ${name}@${version}: ${stderr.trim()}`);
}

function main() {
  const [folder] = positionals;
  if (!folder) throw new Error('which folder holds the tarballs?');
  const root = rootManifest();
  const tag = process.env.GITHUB_REF_NAME;
  if (tag !== undefined && tag !== `v${root.version}`) {
    throw new Error(`the tag is ${tag} but package.json is of version ${root.version}`);
  }
  const names = [...PUBLISHED.map((platform) => platformManifest(platform, root).name), root.name];
  const packages = names.map((name) => ({ name, tarball: join(folder, tarballOf(name, root.version)) }));
  const missing = packages.filter(({ tarball }) => !existsSync(tarball));
  if (missing.length > 0) throw new Error(`missing: ${missing.map(({ tarball }) => tarball).join(', ')}`);
  for (const { name, tarball } of packages) {
    if (isPublished(name, root.version)) {
      console.log(`publish: ${name}@${root.version} is there already`);
      continue;
    }
    const options = ['--access', 'public', ...(values['no-provenance'] ? [] : ['--provenance'])];
    if (!values.confirm) options.push('--dry-run');
    console.log(`publish: npm publish ${tarball} ${options.join(' ')}`);
    execFileSync('npm', ['publish', tarball, ...options], { stdio: ['ignore', 'ignore', 'inherit'] });
  }
}

try {
  main();
} catch (error) {
  console.error(`publish: ${/** @type {Error} */ (error).message}`);
  process.exit(1);
}
