import type { EmbeddedModules } from '../backend/wasm.inline.js';
import { inlinePlatform } from '../platform.inline.js';
import { receiveFirst, serveScope } from '../worker/scope.browser.js';

receiveFirst((wasm: EmbeddedModules) => serveScope(inlinePlatform(wasm)));
