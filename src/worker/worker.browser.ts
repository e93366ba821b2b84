import { browserPlatform } from '../platform.browser.js';
import { installPlatform } from '../platform.js';
import { serve } from './serve.js';

installPlatform(browserPlatform);

/** As much of a worker's global scope as is used: the compiler's library knows that of pages. */
const scope = self as unknown as {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  onmessage: (event: MessageEvent) => void;
  onunhandledrejection: (event: PromiseRejectionEvent) => void;
};

const receive = serve((message, transfer) => scope.postMessage(message, transfer));
scope.onmessage = ({ data }) => receive(data);
// The page hears of errors only: what nobody awaited becomes one, as it does in Node.
scope.onunhandledrejection = ({ reason }) => reportError(reason);
