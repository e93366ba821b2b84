import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';

export type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void;

/** A server on this machine; `count` is the number of the request. Its address has a slash at the end. */
export async function serveHere(handler: Handler): Promise<{ address: string; close: () => void }> {
  let count = 0;
  const server = createServer((request, response) => handler(request, response, count++));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A folder, and servers, that each test of a file has of its own, gone when it is over. */
export interface Scratch {
  readonly directory: string;
  /** Serves until the test is over; returns the address. */
  serve(handler: Handler): Promise<string>;
  /** Closes the servers before that. */
  close(): void;
}

export function scratchOfEachTest(): Scratch {
  const closing: (() => void)[] = [];
  const scratch = {
    directory: '',
    async serve(handler: Handler): Promise<string> {
      const { address, close } = await serveHere(handler);
      closing.push(close);
      return address;
    },
    close() {
      for (const close of closing.splice(0)) close();
    },
  };
  beforeEach(async () => {
    scratch.directory = await mkdtemp(join(tmpdir(), 'twill-test-'));
  });
  afterEach(async () => {
    scratch.close();
    await rm(scratch.directory, { recursive: true });
  });
  return scratch;
}
