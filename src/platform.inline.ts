import { embeddedWasmLoader } from './backend/wasm.inline.js';
import { webPlatform } from './platform.web.js';

/** `data` is the WebAssembly module as src/inline/embedded.d.ts has it. */
export const inlinePlatform = (data: string) => webPlatform(embeddedWasmLoader(data));
