import { encodeError } from './error-data.js';
import { Host } from './host.js';
import { buffersIn, type Method, type Reply, type Request, type Result } from './protocol.js';

/** The worker's end of a `Line`: returns what is to be called with each message. */
export function serve(
  post: (reply: Reply, transfer: ArrayBuffer[]) => void,
): (request: Request) => void | Promise<void> {
  const send = (reply: Reply) => post(reply, buffersIn(reply));
  const host = new Host((handle, news) => send({ handle, news }));
  const running = new Map<number, AbortController>();
  return async (request) => {
    if ('cancel' in request) {
      running.get(request.cancel)?.abort();
      return;
    }
    const { call, method, params } = request;
    const controller = new AbortController();
    const run = host[method] as (params: unknown, signal: AbortSignal) => unknown;
    if (call === undefined) {
      run.call(host, params, controller.signal);
      return;
    }
    running.set(call, controller);
    try {
      send({ call, result: (await run.call(host, params, controller.signal)) as Result<Method> });
    } catch (error) {
      send({ call, error: encodeError(error) });
    } finally {
      running.delete(call);
    }
  };
}
