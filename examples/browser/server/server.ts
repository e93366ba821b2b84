import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, extname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';

export interface DemoOptions {
  /** 0, the default, takes any that is free. */
  readonly port?: number;
  /** Default this machine alone. */
  readonly host?: string;
  /** Cross-origin isolation, which shared memory, and so more than one thread, asks for; default true. */
  readonly isolation?: boolean;
  /** The four files of Fashion-MNIST, in any order; none where they could not be found. */
  readonly dataFiles?: readonly string[];
}

/** This file is as deep in the tree as what the compiler makes of it in build/. */
const ROOT = new URL('../../../', import.meta.url);

/** Folders by prefix; the first that fits counts. */
const FOLDERS: readonly (readonly [prefix: string, folder: string])[] = [
  ['/dist/', 'dist/'],
  ['/page/', 'build/browser/page/'],
  ['/', 'examples/browser/'],
];

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.map': 'application/json',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

/** Scripts are the server's own, no text is evaluated, and nothing is loaded from anywhere else. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  // The browser keeps what it has, and asks whether it still holds.
  'cache-control': 'no-cache',
};

const ISOLATION = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
};

/** Serves the page, the library's modules and the data. Rejects where the port cannot be had. */
export async function serveDemo(options: DemoOptions = {}): Promise<{ url: string; close(): Promise<void> }> {
  const { port = 0, host = '127.0.0.1', isolation = true, dataFiles = [] } = options;
  const headers = { ...HEADERS, ...(isolation ? ISOLATION : {}) };
  const server = createServer((request, response) => {
    answer(request, response, dataFiles, headers).catch((error: unknown) => {
      // A visitor who left in the middle of a file is no failure of ours.
      if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') console.error(error);
      response.destroy();
    });
  });
  await listening(server, port, host);
  const address = server.address() as AddressInfo;
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://${name}:${address.port}/`, close };
}

function listening(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  dataFiles: readonly string[],
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const refuse = (status: number, why: string) => {
    response.writeHead(status, { ...headers, 'content-type': 'text/plain; charset=utf-8' }).end(`${why}\n`);
  };
  if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(405, 'GET and HEAD only');
  const address = `http://localhost${request.url}`;
  if (!URL.canParse(address)) return refuse(400, 'no such address');
  const { pathname } = new URL(address);
  const file = fileFor(pathname, dataFiles);
  const found = file === undefined ? undefined : await stat(file).catch(() => undefined);
  if (file === undefined || !found?.isFile()) return refuse(404, `no ${pathname}`);
  const etag = `"${found.size.toString(36)}-${Math.round(found.mtimeMs).toString(36)}"`;
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304, { ...headers, etag }).end();
    return;
  }
  const type = TYPES[extname(file)] ?? 'application/octet-stream';
  response.writeHead(200, { ...headers, etag, 'content-type': type, 'content-length': found.size });
  if (request.method === 'HEAD') response.end();
  else await pipeline(createReadStream(file), response);
}

/** The file behind an address; undefined where there is none. */
function fileFor(pathname: string, dataFiles: readonly string[]): string | undefined {
  if (pathname.startsWith('/fashion-mnist/')) {
    // An unpacked file serves for a packed one: readers tell by the content.
    const wanted = basename(pathname, '.gz');
    return dataFiles.find((path) => basename(path, '.gz') === wanted);
  }
  const [prefix, folder] = FOLDERS.find(([prefix]) => pathname.startsWith(prefix))!;
  const base = new URL(folder, ROOT);
  const url = new URL(`./${pathname.slice(prefix.length) || 'index.html'}`, base);
  // A URL's own `..` is resolved by now; what is encoded could still lead out once it is a path. No file needs it.
  if (url.pathname.slice(base.pathname.length).includes('%')) return undefined;
  if (!url.pathname.startsWith(base.pathname)) return undefined;
  return extname(url.pathname) in TYPES ? fileURLToPath(url) : undefined;
}
