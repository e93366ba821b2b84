import { inlinePlatform } from '../platform.inline.js';
import { receiveFirst, serveScope } from '../worker/scope.browser.js';

receiveFirst((wasm: string) => serveScope(inlinePlatform(wasm)));
