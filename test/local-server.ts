import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

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
