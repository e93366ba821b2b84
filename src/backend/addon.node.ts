import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { BackendError, OutOfMemoryError } from '../errors.js';
import type { Executable, Memory } from './backend.js';
import type { KernelRow } from './signatures.js';

/** What native/addon/addon.cc exports. Its Memory and Executable are the interfaces of backend.ts as they stand. */
export interface Addon {
  readonly kernels: readonly KernelRow[];
  /** Supported by this machine, best first. */
  readonly instructionSets: readonly string[];
  /** The best one for '', else `wanted`; throws where it is unknown or not supported. */
  chooseInstructionSet(wanted: string): string;
  useErrors(backendError: typeof BackendError, outOfMemoryError: typeof OutOfMemoryError): void;
  /** Calls back once, with the threads that are left, when a team does not get all its threads for a run. */
  onTeamCut(callback: (threads: number) => void): void;
  /** Threads of a team of so many that the system grants at the moment. */
  threadsToBeHad(team: number): number;
  /** What the last team was cut to that did not get all its threads; 0 where a larger one did since. */
  teamCutTo(): number;
  readonly Memory: new (bytes: number) => Memory;
  readonly Executable: new (
    words: Int32Array,
    memories: readonly Memory[],
    instructionSet: string,
    threads: number,
  ) => Executable;
}

interface Manifest {
  readonly version: string;
  /** The platforms' packages with their versions, in a package that npm/pack.js made; a clone has none. */
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const require = createRequire(import.meta.url);

let addon: Addon | undefined;

/** Loads the addon from the first place that has it. Throws a plain error with every reason where none does. */
export function loadAddon(): Addon {
  if (addon) return addon;
  const reasons: string[] = [];
  for (const load of candidates()) {
    try {
      const found = load();
      found.useErrors(BackendError, OutOfMemoryError);
      addon = found;
      return found;
    } catch (error) {
      // Node's message goes on with the stack of requires.
      const [line] = String(error instanceof Error ? error.message : error).split('\n');
      reasons.push(line!);
    }
  }
  throw new Error(reasons.join('; '));
}

/** What to do where the addon cannot be had: completes "To get it, ...". */
export function addonRemedy(): string | undefined {
  const { optionalDependencies: packages } = ownManifest();
  if (!packages) return 'run `npm run setup`';
  const name = packageName();
  const version = packages[name];
  if (!version) return undefined;
  if (!isInstalled(name, version)) return `run \`${addCommand()} ${name}@${version}\``;
  return 'update what the reason names (`TWILL_BACKEND=wasm` does without, and without this warning)';
}

/** The platform's package in an installed twill, a build in a clone. */
function candidates(): (() => Addon)[] {
  const { optionalDependencies: packages } = ownManifest();
  if (packages) return [() => fromPackage(packageName(), packages)];
  return [() => require('../../build/Release/twill.node') as Addon];
}

/** By its name, not its path: a bundler may have moved this file. */
function ownManifest(): Manifest {
  return require('twill/package.json') as Manifest;
}

function fromPackage(name: string, packages: Readonly<Record<string, string>>): Addon {
  const wanted = packages[name];
  if (!wanted) {
    throw new Error(`there is no package ${name}, only ${Object.keys(packages).join(', ')}`);
  }
  const version = installedVersion(name);
  if (version === undefined) throw new Error(`the package ${name} is not installed`);
  if (version !== wanted) {
    throw new Error(`the package ${name} is installed in version ${version} but twill needs ${wanted}`);
  }
  return require(name) as Addon;
}

function installedVersion(name: string): string | undefined {
  try {
    return (require(`${name}/package.json`) as Manifest).version;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

function isInstalled(name: string, version: string): boolean {
  try {
    return installedVersion(name) === version;
  } catch {
    return false; // it cannot be read: that is the reason that was given, and another copy of it the remedy
  }
}

function packageName(): string {
  const { platform, arch } = process;
  const name = `@twill/${platform}-${arch}`;
  return platform === 'linux' ? `${name}-${isMusl() ? 'musl' : 'gnu'}` : name;
}

/** Whether this process runs on musl, not glibc: by the dynamic loader that it was started by. */
function isMusl(): boolean {
  try {
    return readFileSync('/proc/self/maps', 'latin1').includes('/ld-musl-');
  } catch {
    return false; // Deno asks for every permission before it shows this file
  }
}

/** The command of the package manager that runs this, else npm's, that adds a package that other systems may lack. */
function addCommand(): string {
  const manager = /^\w+/.exec(process.env.npm_config_user_agent ?? '')?.[0] ?? 'npm';
  return ADD_COMMANDS[manager] ?? ADD_COMMANDS.npm!;
}

const ADD_COMMANDS: Readonly<Record<string, string>> = {
  npm: 'npm install --include=optional --save-optional',
  pnpm: 'pnpm add --save-optional',
  yarn: 'yarn add --optional',
  bun: 'bun add --optional',
};
