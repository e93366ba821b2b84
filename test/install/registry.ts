import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { packageOf, platformManifest, rootManifest } from '../../npm/manifests.js';
import { PUBLISHED } from '../../npm/platforms.js';

/** A registry of the scope `@twill` on this machine, as it will be once everything is published. */
export interface Registry {
  readonly address: string;
  close(): Promise<void>;
}

/** Serves every platform's package; that of `host` can be installed from `tarball`, the others only be looked up. */
export async function serveRegistry(host: string, tarball: string): Promise<Registry> {
  const bytes = readFileSync(tarball);
  // Clients remember answers by address: one that no earlier run had.
  const prefix = `/${randomUUID()}/`;
  const server = createServer(({ url = '', headers }, response) => {
    const path = decodeURIComponent(url).replace(prefix, '');
    const platform = PUBLISHED.find((name) => path === packageOf(name));
    if (platform) {
      const manifest = platformManifest(platform, rootManifest());
      const integrity = platform === host ? bytes : Buffer.alloc(0);
      const dist = {
        tarball: `http://${headers.host}${prefix}${platform}.tgz`,
        integrity: `sha512-${createHash('sha512').update(integrity).digest('base64')}`,
        shasum: createHash('sha1').update(integrity).digest('hex'),
      };
      const { name, version } = manifest;
      const time = { [version]: '2026-01-01T00:00:00.000Z' };
      const versions = { [version]: { ...manifest, dist } };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ name, 'dist-tags': { latest: version }, versions, time }));
    } else if (path === `${host}.tgz`) {
      response.end(bytes);
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
