import { type EmbeddedModules, embeddedWasmLoader } from './backend/wasm.inline.js';
import { webPlatform } from './platform.web.js';

/** `data`: what src/inline/embedded.d.ts has. */
export const inlinePlatform = (data: EmbeddedModules) => webPlatform(embeddedWasmLoader(data));
