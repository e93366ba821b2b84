import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveDemo } from '../examples/browser/server/server.js';
import { findFashionMnist } from '../src/data/fashion-mnist.node.js';

describe('the server of the page', () => {
  let site: Awaited<ReturnType<typeof serveDemo>>;
  beforeAll(async () => {
    site = await serveDemo({ dataFiles: (await findFashionMnist()).paths });
  });
  afterAll(() => site?.close());

  const get = (path: string, init?: RequestInit) => fetch(new URL(path, site.url), init);

  it.each([
    ['', 'text/html'],
    ['style/base.css', 'text/css'],
    ['page/main.js', 'text/javascript'],
    ['dist/worker/worker.browser.js', 'text/javascript'],
    ['dist/wasm/twill-simd128.wasm', 'application/wasm'],
    ['fashion-mnist/t10k-labels-idx1-ubyte.gz', 'application/octet-stream'],
  ])('serves /%s under a strict policy, isolated', async (path, type) => {
    const { status, headers } = await get(path, { method: 'HEAD' });
    expect(status).toBe(200);
    expect(headers.get('content-type')).toContain(type);
    expect(headers.get('content-security-policy')).toContain("script-src 'self' 'wasm-unsafe-eval';");
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect(headers.get('cross-origin-embedder-policy')).toBe('require-corp');
  });

  it('can do without isolation', async () => {
    const plain = await serveDemo({ isolation: false });
    const { headers } = await fetch(plain.url);
    expect(headers.get('cross-origin-opener-policy')).toBeNull();
    await plain.close();
  });

  it('sends nothing again that the browser has', async () => {
    const etag = (await get('page/main.js')).headers.get('etag')!;
    const { status } = await get('page/main.js', { headers: { 'if-none-match': etag } });
    expect(status).toBe(304);
  });

  // As they are: fetch would tidy them up.
  it.each([
    '/dist/../package.json',
    '/../../package.json',
    '/%2e%2e/%2e%2e/package.json',
    '/dist/..%2fpackage.json',
    '/..%5c..%5cpackage.json',
    '/tsconfig.json',
    '/fashion-mnist/../../etc/passwd',
    '/dist/',
    '/%00',
    '//',
    '/%zz.html',
  ])('has nothing at %s', async (path) => {
    const { port } = new URL(site.url);
    const status = await new Promise((resolve, reject) => {
      request({ port, path }, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end();
    });
    expect(status).toBe(404);
  });

  it('takes nothing', async () => {
    expect((await get('', { method: 'POST', body: 'x' })).status).toBe(405);
  });
});
