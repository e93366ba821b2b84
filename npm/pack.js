// Makes the tarballs that would be published, in build/packages: `npm run pack` those of twill and of this machine's
// platform, `npm run pack -- linux-arm64-gnu` those of the platforms that it names, `twill` being the main one.
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildOf } from './build.js';
import { mainManifest, platformManifest, rootManifest } from './manifests.js';
import { hostPlatform, PLATFORMS } from './platforms.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * Packs `names` into `destination` from what is built and returns the tarballs' paths, in that order. What is in each
 * lies beside it, unpacked, in a folder of its name.
 * @param {string} destination
 * @param {string[]} [names] `twill` and names of platforms; default: `twill` and this machine's
 */
export function pack(destination, names = defaultNames()) {
  mkdirSync(destination, { recursive: true });
  return names.map((name) => {
    const folder = join(destination, name);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    if (name === 'twill') stageMain(folder);
    else stagePlatform(folder, name);
    const args = ['pack', folder, '--pack-destination', destination, '--json', '--ignore-scripts'];
    const [{ filename }] = JSON.parse(execFileSync('npm', args, { encoding: 'utf8' }));
    return join(destination, filename);
  });
}

function defaultNames() {
  const host = hostPlatform();
  return host ? ['twill', host] : ['twill'];
}

/** @param {string} folder @param {unknown} manifest */
function writeManifest(folder, manifest) {
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** @param {string} folder */
function stageMain(folder) {
  writeManifest(folder, mainManifest(rootManifest()));
  for (const file of ['README.md', 'CHANGELOG.md', 'LICENSE'])
    copyFileSync(join(ROOT, file), join(folder, file));
  // By the list of sources: dist also holds what sources that are gone were compiled to.
  for (const file of readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })) {
    const [, name, declared] = /^(.*?)(\.d)?\.ts$/.exec(file) ?? [];
    if (name === undefined) continue;
    // What is only declared in the sources, scripts/embed.js has made.
    for (const extension of declared ? ['.js'] : ['.js', '.js.map', '.d.ts']) {
      const output = join('dist', name + extension);
      mkdirSync(join(folder, dirname(output)), { recursive: true });
      copyFileSync(join(ROOT, output), join(folder, output));
    }
  }
  cpSync(join(ROOT, 'dist/wasm'), join(folder, 'dist/wasm'), { recursive: true });
}

/** @param {string} folder @param {string} name */
function stagePlatform(folder, name) {
  writeManifest(folder, platformManifest(name, rootManifest()));
  copyFileSync(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'));
  copyFileSync(join(ROOT, 'npm/README.platform.md'), join(folder, 'README.md'));
  execFileSync('cmake', ['--install', buildOf(name), '--prefix', folder, '--strip'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const { files } = /** @type {import('./platforms.js').Platform} */ (PLATFORMS[name]);
  const missing = files.filter((file) => !existsSync(join(folder, file)));
  if (missing.length > 0)
    throw new Error(`the build of ${name} in ${buildOf(name)} did not install ${missing.join(', ')}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const names = process.argv.slice(2);
  for (const tarball of pack(join(ROOT, 'build/packages'), names.length > 0 ? names : undefined))
    console.log(tarball);
}
