import { installPlatform, type Platform } from '../platform.js';
import { serve } from './serve.js';

/** As much of a worker's global scope as is used: the compiler's library knows that of pages. */
const scope = () =>
  self as unknown as {
    postMessage(message: unknown, transfer: ArrayBuffer[]): void;
    onmessage: (event: MessageEvent) => void;
    onunhandledrejection: (event: PromiseRejectionEvent) => void;
  };

/** Makes this worker one that trains. */
export function serveScope(platform: Platform): void {
  installPlatform(platform);
  const receive = serve((message, transfer) => scope().postMessage(message, transfer));
  scope().onmessage = ({ data }) => void receive(data);
  // The page hears of errors only: what nobody awaited becomes one, as it does in Node.
  scope().onunhandledrejection = ({ reason }) => reportError(reason);
}

/** Calls back with the first message, which is not one for `serveScope`. */
export function receiveFirst<T>(callback: (message: T) => void): void {
  scope().onmessage = ({ data }) => callback(data as T);
}
