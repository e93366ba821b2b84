import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Download, download } from '../src/data/download.node.js';
import { DataError } from '../src/errors.js';
import { Generator } from '../src/random.js';

import { type Handler, scratchOfEachTest } from './local-server.js';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const scratch = scratchOfEachTest();
const { serve } = scratch;
let directory: string;
beforeEach(() => {
  directory = scratch.directory;
});
afterEach(() => void vi.unstubAllEnvs());

describe('download', () => {
  const generator = new Generator(3);
  const content = Uint8Array.from({ length: 300_000 }, () => generator.integer(256));
  const file = () => join(directory, 'cache', 'file.gz');
  const start = (urls: string[], options: Partial<Download> = {}) =>
    download({
      urls,
      file: file(),
      sha256: [sha256(content)],
      maxBytes: content.length,
      retryDelay: 1,
      ...options,
    });
  const listing = () => readdir(join(directory, 'cache'));

  /** Answers as a good server does, from the asked position on, but breaks off before `end`. */
  function answer(request: IncomingMessage, response: ServerResponse, end = content.length): void {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, {
      'content-type': 'application/octet-stream',
      'content-length': content.length - from,
      ...(from > 0 && { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` }),
    });
    if (end === content.length) response.end(content.subarray(from));
    else response.write(content.subarray(from, end), () => setTimeout(() => response.destroy(), 20));
  }

  it('saves the file, tells the progress and leaves nothing else', async () => {
    const url = await serve((request, response) => answer(request, response));
    const progress: number[] = [];
    await start([url], { onProgress: (bytes) => progress.push(bytes) });
    expect(sha256(await readFile(file()))).toBe(sha256(content));
    expect(await listing()).toEqual(['file.gz']);
    expect(progress.at(-1)).toBe(content.length);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
  });

  it('asks for the rest when the connection breaks', async () => {
    const ranges: (string | undefined)[] = [];
    const url = await serve((request, response, count) => {
      ranges.push(request.headers.range);
      answer(request, response, count < 5 ? (count + 1) * 40_000 : undefined);
    });
    await start([url]);
    // Of what was sent before the break some may be lost on the way: then the next one asks for it again.
    const starts = ranges.map((range) => Number(/^bytes=(\d+)-$/.exec(range ?? 'bytes=0-')![1]));
    expect(starts.length).toBe(6);
    expect(starts[0]).toBe(0);
    expect(starts).toEqual(starts.toSorted((a, b) => a - b));
    starts.forEach((start, asked) => expect(start).toBeLessThanOrEqual(asked * 40_000));
    expect(starts.at(-1)).toBeGreaterThan(0);
    expect(sha256(await readFile(file()))).toBe(sha256(content));
  });

  it('goes on where an aborted download stopped', async () => {
    const ranges: (string | undefined)[] = [];
    const url = await serve((request, response, count) => {
      ranges.push(request.headers.range);
      if (count > 0) return answer(request, response);
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 100_000)); // and nothing more
    });
    const controller = new AbortController();
    const aborted = start([url], {
      signal: controller.signal,
      onProgress: (bytes) => bytes === 100_000 && controller.abort(),
    });
    await expect(aborted).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
    expect(await listing()).toEqual(['file.gz.part']);
    await start([url]);
    expect(ranges).toEqual([undefined, 'bytes=100000-']);
    expect(await listing()).toEqual(['file.gz']);
  });

  it('goes on where a killed process stopped, but leaves a living one alone', async () => {
    await mkdir(join(directory, 'cache'));
    const id = '0b7f1f3e-0000-4000-8000-000000000000';
    await writeFile(`${file()}.4194999.${id}.part`, content.subarray(0, 1000)); // above the largest process id
    await writeFile(`${file()}.${process.pid}.${id}.part`, content.subarray(0, 2000));
    const ranges: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      ranges.push(request.headers.range);
      answer(request, response);
    });
    await start([url]);
    expect(ranges).toEqual(['bytes=1000-']);
    expect(await listing()).toEqual(['file.gz', `file.gz.${process.pid}.${id}.part`]);
  });

  it('asks for nothing when all was there but the name', async () => {
    await mkdir(join(directory, 'cache'));
    await writeFile(`${file()}.part`, content);
    await start(['http://127.0.0.1:1/']);
    expect(await listing()).toEqual(['file.gz']);
  });

  it('starts again when what was there is not the beginning of the file', async () => {
    await mkdir(join(directory, 'cache'));
    for (const rest of [new Uint8Array(5000), new Uint8Array(content.length + 5)]) {
      await writeFile(`${file()}.part`, rest);
      const url = await serve((request, response) => {
        const from = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0);
        if (from >= content.length) response.writeHead(416).end();
        else answer(request, response);
      });
      await start([url]);
      expect(sha256(await readFile(file()))).toBe(sha256(content));
      await rm(file());
    }
  });

  it('copes with a server that knows no ranges', async () => {
    await mkdir(join(directory, 'cache'));
    await writeFile(`${file()}.part`, content.subarray(0, 70_000));
    const url = await serve((_, response) => response.end(content));
    await start([url]);
    expect(sha256(await readFile(file()))).toBe(sha256(content));
  });

  it('tries a busy server again', async () => {
    const url = await serve((request, response, count) => {
      if (count < 2) response.writeHead(503).end();
      else answer(request, response);
    });
    await start([url]);
    expect(await listing()).toEqual(['file.gz']);
  });

  const wrong = Uint8Array.from(content, (byte) => byte ^ 1);
  it.each<[string, Handler, RegExp, number]>([
    ['an error', (_, response) => response.writeHead(404).end(), /answered with status 404/, 1],
    ['an error that lasts', (_, response) => response.writeHead(500).end(), /answered with status 500/, 3],
    [
      'a web page',
      (_, response) => response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>'),
      /answered with a web page \(text\/html; charset=utf-8\) instead of the file/,
      1,
    ],
    ['other content', (_, response) => response.end(wrong), /wrong SHA-256 [0-9a-f]{64} instead of/, 1],
    ['too little', (_, response) => response.end(content.subarray(9)), /wrong SHA-256/, 1],
    [
      'too much',
      (_, response) => response.end(Buffer.concat([content, content])),
      /more than the expected 300000 bytes/,
      1,
    ],
    [
      'a part that nobody asked for',
      (_, response) => response.writeHead(206).end(content),
      /answered with another part/,
      3,
    ],
    ['nothing, for too long', () => {}, /no data came for too long/, 3],
    ['a broken connection', (_, response) => response.destroy(), /ECONNRESET|other side closed/, 3],
  ])('goes to the next mirror on %s, and without one says why', async (_, handler, reason, attempts) => {
    let asked = 0;
    const bad = await serve((request, response, count) => {
      asked++;
      handler(request, response, count);
    });
    const good = await serve((request, response) => answer(request, response));
    // Short only where it has to pass: on a busy machine an answer may take longer than that.
    const patience = reason.test('no data came for too long') ? { stallTimeout: 60 } : {};
    await start([bad, good], patience);
    expect(sha256(await readFile(file()))).toBe(sha256(content));
    expect(asked).toBe(attempts);
    await rm(file());

    const failed = start([bad], patience);
    await expect(failed).rejects.toThrow(DataError);
    await expect(failed).rejects.toThrow(reason);
    await expect(failed).rejects.toThrow(bad);
    expect(existsSync(file())).toBe(false);
  });

  it('gives up on a server that breaks off at the same place and then sends something else', async () => {
    const url = await serve((request, response) => {
      if (request.headers.range === undefined) return answer(request, response, 50_000);
      const from = Number(/\d+/.exec(request.headers.range)![0]);
      response.writeHead(206, { 'content-range': `bytes ${from}-299999/300000` }).end(wrong.subarray(from));
    });
    await expect(start([url])).rejects.toThrow(/wrong SHA-256|other side closed|terminated/);
    expect(existsSync(file())).toBe(false);
  });

  it('does not ask twice where nobody answers', async () => {
    const url = await serve(() => {});
    scratch.close();
    await expect(start([url], { retryDelay: 60_000 })).rejects.toThrow(`${url}: connect ECONNREFUSED`);
  });

  it('says when the disk refuses', async () => {
    await writeFile(join(directory, 'cache'), 'a file where a directory is needed');
    const failed = start(['http://127.0.0.1:1/']);
    await expect(failed).rejects.toThrow(DataError);
    await expect(failed).rejects.toThrow(/cannot download to .*file\.gz: /);
  });

  it('serves two downloads of the same file at once', async () => {
    const url = await serve((request, response) => answer(request, response));
    await Promise.all([start([url]), start([url]), start([url])]);
    expect(sha256(await readFile(file()))).toBe(sha256(content));
    expect(await listing()).toEqual(['file.gz']);
  });
});
