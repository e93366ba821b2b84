import { execFileSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageOf, platformManifest, rootManifest } from '../../npm/manifests.js';
import { PUBLISHED } from '../../npm/platforms.js';

/** A registry of the scope `@twill` on this machine, as it will be once everything is published. */
export interface Registry {
  readonly address: string;
  close(): Promise<void>;
}

/** Serves every platform's package: that of `host` from `tarball`, the others without an addon. */
export async function serveRegistry(host: string, tarball: string): Promise<Registry> {
  const tarballs = new Map(
    PUBLISHED.map((name) => [name, name === host ? readFileSync(tarball) : manifestAlone(name)]),
  );
  // Clients remember answers by address: one that no earlier run had.
  const prefix = `/${randomUUID()}/`;
  const server = createServer(({ url = '', headers }, response) => {
    const path = decodeURIComponent(url).replace(prefix, '');
    const platform = PUBLISHED.find((name) => path === packageOf(name));
    if (platform) {
      const manifest = platformManifest(platform, rootManifest());
      const bytes = tarballs.get(platform)!;
      const dist = {
        tarball: `http://${headers.host}${prefix}${platform}.tgz`,
        integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
        shasum: createHash('sha1').update(bytes).digest('hex'),
      };
      const { name, version } = manifest;
      const time = { [version]: '2026-01-01T00:00:00.000Z' };
      const versions = { [version]: { ...manifest, dist } };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ name, 'dist-tags': { latest: version }, versions, time }));
    } else if (tarballs.has(path.replace(/\.tgz$/, ''))) {
      response.end(tarballs.get(path.replace(/\.tgz$/, '')));
    } else {
      response.statusCode = 404;
      response.end('{}');
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** A tarball with package.json alone: Yarn 1 fetches the packages of all platforms, and then leaves out those that do not fit. */
function manifestAlone(platform: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'twill-manifest-'));
  mkdirSync(join(folder, 'package'));
  writeFileSync(
    join(folder, 'package/package.json'),
    JSON.stringify(platformManifest(platform, rootManifest())),
  );
  // The same bytes each time: Yarn keeps what it fetched by their hash.
  const args = ['--create', '--gzip', '--mtime=@0', '--owner=0', '--group=0', '-C', folder, 'package'];
  const bytes = execFileSync('tar', args);
  rmSync(folder, { recursive: true });
  return bytes;
}
