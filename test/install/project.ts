import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pack } from '../../npm/pack.js';
import { hostPlatform } from '../../npm/platforms.js';
import { type Registry, serveRegistry } from './registry.js';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The packages as they would be published: `twill` as a tarball, the platforms' in a registry on this machine. */
export interface Published {
  /** Name of this machine's platform. */
  readonly host: string;
  /** Folder that holds what was packed, and a folder of the content of each package, by name. */
  readonly folder: string;
  readonly twill: string;
  readonly registry: Registry;
  withdraw(): Promise<void>;
}

export async function publish(): Promise<Published> {
  const host = hostPlatform();
  if (!host) throw new Error('npm/platforms.json has no row for this machine');
  const folder = mkdtempSync(join(tmpdir(), 'twill-packages-'));
  const [twill, addon] = pack(folder, ['twill', host]);
  const registry = await serveRegistry(host, addon!);
  const withdraw = async () => {
    await registry.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { host, folder, twill: twill!, registry, withdraw };
}

/** Somebody's project: a folder of its own with the programs of ./apps. */
export class Project {
  readonly root = mkdtempSync(join(tmpdir(), 'twill-install-'));

  constructor({ registry }: Published, manifest: Record<string, unknown> = {}) {
    cpSync(fileURLToPath(new URL('./apps', import.meta.url)), this.root, { recursive: true });
    this.write('package.json', JSON.stringify({ name: 'app', version: '1.0.0', private: true, ...manifest }));
    this.write('.npmrc', `@twill:registry=${registry.address}\n`);
  }

  path(...parts: string[]): string {
    return join(this.root, ...parts);
  }

  write(file: string, text: string): void {
    writeFileSync(this.path(file), text);
  }

  read(file: string): string {
    return readFileSync(this.path(file), 'utf8');
  }

  /** Runs a program in this folder, without what vitest and npm put into its own environment. */
  run(program: string, args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
    const own = Object.entries(process.env).filter(
      ([name]) => !/^(npm_|TWILL_|VITEST|NODE_(?!EXTRA_CA)|FORCE_COLOR)/i.test(name),
    );
    const options = { cwd: this.root, env: { ...Object.fromEntries(own), ...env }, maxBuffer: 2 ** 26 };
    return new Promise((resolve) => {
      execFile(program, args, options, (error, stdout, stderr) => {
        const code = error ? (typeof error.code === 'number' ? error.code : -1) : 0;
        resolve({ code, stdout, stderr });
      });
    });
  }

  /** The same where it has to succeed; returns the JSON of its last line. */
  async result(program: string, args: readonly string[], env?: Record<string, string>) {
    const { code, stdout, stderr } = await this.run(program, args, env);
    if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${stdout}\n${stderr}`);
    return { ...JSON.parse(stdout.trim().split('\n').at(-1)!), stderr } as Result;
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** What the programs in ./apps print, each a part of it. */
export interface Result {
  readonly backend: string;
  readonly isa: string;
  readonly fallbacks: readonly string[];
  readonly first: number;
  readonly last: number;
  readonly openmp: readonly string[];
  readonly loaded: boolean;
  readonly worker: string;
  readonly stderr: string;
}
