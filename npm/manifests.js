import { readFileSync } from 'node:fs';
import { PLATFORMS, PUBLISHED } from './platforms.js';

/** What of this repository's package.json holds for the published package, too. */
const SHARED = [
  'name',
  'version',
  'description',
  'keywords',
  'homepage',
  'bugs',
  'repository',
  'license',
  'type',
  'sideEffects',
  'exports',
  'bin',
  'engines',
  'dependencies',
];

/** @typedef {Record<string, unknown> & { name: string, version: string }} Manifest */

/** This repository's package.json. @returns {Manifest} */
export function rootManifest() {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
}

/**
 * package.json of `twill`: no script runs when it is installed, and the addon comes as an optional dependency, of
 * which package managers take the one that fits.
 * @param {Manifest} root
 * @returns {Manifest}
 */
export function mainManifest(root) {
  const shared = Object.fromEntries(SHARED.filter((key) => key in root).map((key) => [key, root[key]]));
  const addons = PUBLISHED.map((name) => [packageOf(name), root.version]);
  return {
    name: root.name,
    version: root.version,
    ...shared,
    optionalDependencies: Object.fromEntries(addons),
    // Yarn's Plug'n'Play would hand out the WASM files and the worker's script from within a zip.
    preferUnplugged: true,
  };
}

/**
 * package.json of a platform's package.
 * @param {string} name in the table of platforms
 * @param {Manifest} root
 * @returns {Manifest}
 */
export function platformManifest(name, root) {
  const platform = PLATFORMS[name];
  if (!platform)
    throw new Error(`no platform ${name}: npm/platforms.json has ${Object.keys(PLATFORMS).join(', ')}`);
  const { os, cpu, libc } = platform;
  const shared = ['homepage', 'bugs', 'repository', 'engines'].filter((key) => key in root);
  return {
    name: packageOf(name),
    version: root.version,
    description: `The native backend of ${root.name} for ${name}`,
    license: 'MIT AND GPL-3.0-or-later WITH GCC-exception-3.1',
    ...Object.fromEntries(shared.map((key) => [key, root[key]])),
    main: 'twill.node',
    os: [os],
    cpu: [cpu],
    ...(libc && { libc: [libc] }),
    preferUnplugged: true,
  };
}

/** @param {string} platform its name in the table */
export function packageOf(platform) {
  return `@twill/${platform}`;
}
