import { readFile, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type Browser, chromium, firefox, type Page } from 'playwright-core';

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

/** The browser that the tests run in: Chromium, or Firefox with TWILL_BROWSER=firefox. */
export const BROWSER = process.env.TWILL_BROWSER === 'firefox' ? 'firefox' : 'chromium';

/** A headless browser that asks nobody on the network for anything. Downloads go to `downloads`. */
export function launch(downloads?: string): Promise<Browser> {
  return BROWSER === 'firefox' ? launchFirefox(downloads) : launchChromium(downloads);
}

function launchChromium(downloadsPath?: string): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    downloadsPath,
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

/** Firefox as it is released, by WebDriver BiDi. */
function launchFirefox(downloadsPath?: string): Promise<Browser> {
  return firefox.launch({
    channel: 'moz-firefox',
    executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
    downloadsPath,
    firefoxUserPrefs: {
      'app.update.enabled': false,
      'browser.safebrowsing.downloads.remote.enabled': false,
      'datareporting.policy.dataSubmissionEnabled': false,
      'extensions.update.enabled': false,
      'network.captive-portal-service.enabled': false,
      'network.connectivity-service.enabled': false,
      'services.settings.server': 'data:,#remote-settings-dummy/v1',
      'toolkit.telemetry.server': '',
    },
  });
}

/** Resolves with the path of what `page` downloads as `name` to `downloads`, which `launch` was told, too. */
export async function downloaded(page: Page, name: string, downloads: string): Promise<string> {
  if (BROWSER === 'chromium') return (await page.waitForEvent('download', { timeout: 110_000 })).path();
  // Firefox does not say which download an event is about, so Playwright reports none. An empty file holds the place
  // until all has come.
  const path = join(downloads, name);
  const size = () =>
    stat(path).then(
      (file) => file.size,
      () => 0,
    );
  while ((await size()) === 0) await setTimeout(50);
  return path;
}
