import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import { chromium } from 'playwright-core';

const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
  '.gz': 'application/octet-stream',
};

/** What makes a page cross-origin isolated, so that it may share memory with its workers. */
export const ISOLATION = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

/** What a test serves: bodies by path, folders by prefix. */
export interface Site {
  readonly pages: Readonly<Record<string, string>>;
  readonly folders: Readonly<Record<string, URL>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Serves a site on a free port of this machine. */
export async function serve({
  pages,
  folders,
  headers = {},
}: Site): Promise<{ url: string; close: () => void }> {
  const server: Server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url!, 'http://localhost');
    const path = pathname.endsWith('/') ? `${pathname}index.html` : pathname;
    const folder = Object.keys(folders).find((prefix) => path.startsWith(prefix));
    const body =
      pages[pathname] ??
      (folder &&
        (await readFile(new URL(path.slice(folder.length), folders[folder])).catch(() => undefined)));
    const type = TYPES[extname(path)] ?? 'text/html';
    response.writeHead(body === undefined ? 404 : 200, {
      ...headers,
      'content-type': body === undefined ? 'text/plain' : type,
    });
    response.end(body ?? `no ${pathname}`);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, close: () => server.close() };
}

/** A headless Chromium that asks nobody on the network for anything. */
export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
