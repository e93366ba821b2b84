import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { platformManifest, rootManifest } from '../npm/manifests.js';
import { PUBLISHED } from '../npm/platforms.js';

vi.setConfig({ testTimeout: 120_000 });

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'twill-release-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const script = (name: string) => fileURLToPath(new URL(`../npm/${name}`, import.meta.url));

describe('npm run release, in a repository of its own', () => {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: directory, encoding: 'utf8' }).trim();
  const release = (...args: string[]) =>
    spawnSync(process.execPath, [script('release.js'), ...args], { cwd: directory, encoding: 'utf8' });

  beforeEach(() => {
    const manifest = {
      name: 'example',
      version: '0.1.0',
      scripts: { check: 'echo checked', pack: 'echo packed' },
    };
    write('package.json', JSON.stringify(manifest));
    write('package-lock.json', JSON.stringify({ name: 'example', version: '0.1.0', lockfileVersion: 3 }));
    write(
      'CHANGELOG.md',
      '# Changelog\n\n## Unreleased\n\n- Something new.\n\n## 0.1.0 (2026-01-01)\n\n- All.\n',
    );
    git('init', '--quiet', '--initial-branch', 'main');
    git('config', 'user.name', 'Somebody');
    git('config', 'user.email', 'somebody@example.com');
    git('add', '.');
    git('commit', '--quiet', '-m', 'All');
  });

  const write = (name: string, text: string) => writeFileSync(join(directory, name), text);
  const read = (name: string) => readFileSync(join(directory, name), 'utf8');

  test('checks, packs, then commits version and changelog and tags them', () => {
    const { status, stdout, stderr } = release('0.2.0');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout.indexOf('checked')).toBeLessThan(stdout.indexOf('packed'));
    expect(git('status', '--porcelain')).toBe('');
    expect(git('tag')).toBe('v0.2.0');
    expect(git('log', '-1', '--format=%s', 'v0.2.0')).toBe('Release 0.2.0');
    expect([JSON.parse(read('package.json')).version, JSON.parse(read('package-lock.json')).version]).toEqual(
      ['0.2.0', '0.2.0'],
    );
    expect(read('CHANGELOG.md')).toMatch(
      /^# Changelog\n\n## Unreleased\n\n## 0\.2\.0 \(\d{4}-\d\d-\d\d\)\n\n- Something new\.\n\n## 0\.1\.0 /,
    );
    expect(release('0.3.0').stderr).toBe('release: CHANGELOG.md has nothing under "## Unreleased"\n');
  });

  test('--dry-run checks and packs, and changes nothing', () => {
    const { status, stdout } = release('0.2.0', '--dry-run');
    expect(status).toBe(0);
    expect(stdout).toContain('packed');
    expect([git('status', '--porcelain'), git('tag'), git('log', '--format=%s')]).toEqual(['', '', 'All']);
  });

  test('refuses before it runs anything', () => {
    const refused = (message: string, ...args: string[]) => {
      const { status, stdout, stderr } = release(...args);
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr).toContain(`release: ${message}`);
    };
    refused('a release needs a version such as 0.2.0 but got none');
    refused('a release needs a version such as 0.2.0 but got v1', 'v1');
    refused('0.1.0 is not higher than 0.1.0', '0.1.0');
    refused('0.0.9 is not higher than 0.1.0', '0.0.9');
    git('switch', '--quiet', '-c', 'else');
    refused('releases are made on main but this is else', '0.2.0');
    git('switch', '--quiet', 'main');
    git('tag', 'v0.2.0');
    refused('there is a tag v0.2.0 already', '0.2.0');
    write('stray', '');
    refused('the tree is not clean:\n?? stray', '0.3.0');
  });

  test('a check that fails leaves everything as it was', () => {
    write('package.json', read('package.json').replace('echo checked', 'exit 1'));
    git('commit', '--quiet', '-am', 'Break it');
    expect(release('0.2.0').status).toBe(1);
    expect([git('status', '--porcelain'), git('tag')]).toEqual(['', '']);
  });
});

describe('npm run publish:packages, to a registry of our own', () => {
  const root = rootManifest();
  const addons = PUBLISHED.map((platform) => platformManifest(platform, root).name);
  const published = new Set<string>();
  let order: string[];
  let registry: Server;

  beforeEach(async () => {
    published.clear();
    order = [];
    registry = createServer((request, response) => {
      const name = decodeURIComponent(request.url!.slice(1));
      const answer = (status: number, body: object) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      request.resume().on('end', () => {
        if (request.method === 'PUT') {
          order.push(name);
          published.add(name);
          answer(201, { ok: true });
        } else if (!published.has(name)) answer(404, { error: 'not found' });
        else {
          const versions = { [root.version]: { name, version: root.version } };
          answer(200, { name, 'dist-tags': { latest: root.version }, versions });
        }
      });
    });
    await new Promise<void>((done) => registry.listen(0, '127.0.0.1', done));
    for (const name of [...addons, root.name]) {
      const folder = join(directory, name.replace('/', '-'));
      mkdirSync(folder);
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, version: root.version }));
      execFileSync('npm', ['pack', folder, '--pack-destination', directory], { stdio: 'ignore' });
    }
  });
  afterEach(() => registry.close());

  function publish(...args: string[]) {
    const { port } = registry.address() as AddressInfo;
    const config = join(directory, 'npmrc');
    writeFileSync(config, `registry=http://127.0.0.1:${port}/\n//127.0.0.1:${port}/:_authToken=none\n`);
    const env = { ...process.env, npm_config_userconfig: config, npm_config_cache: join(directory, 'cache') };
    delete (env as Record<string, string>).npm_config_registry;
    const run = promisify(execFile)(process.execPath, [script('publish.js'), directory, ...args], {
      env: { ...env, ...(tag && { GITHUB_REF_NAME: tag }) },
    });
    return run.then(
      ({ stdout }) => stdout,
      (failed: { stderr: string }) => failed.stderr,
    );
  }
  let tag: string | undefined;

  test('the platforms first, twill last; what is there already is left out; nothing where one is missing', async () => {
    published.add(addons[1]!);
    expect(await publish('--confirm', '--no-provenance')).toContain(
      `${addons[1]}@${root.version} is there already`,
    );
    expect(order).toEqual([...addons.filter((name) => name !== addons[1]), 'twill']);

    [order, tag] = [[], 'v99.0.0'];
    expect(await publish('--confirm', '--no-provenance')).toContain(
      `the tag is v99.0.0 but package.json is of version`,
    );
    tag = undefined;
    rmSync(join(directory, `twill-${root.version}.tgz`));
    expect(await publish('--confirm', '--no-provenance')).toMatch(/^publish: missing: .*twill-.*\.tgz\n$/);
    expect(order).toEqual([]);
  });

  test('asks for provenance, and publishes nothing without --confirm', async () => {
    expect(await publish()).toContain('.tgz --access public --provenance --dry-run');
    expect(order).toEqual([]);
  });
});
