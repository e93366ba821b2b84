import { wasmLoader } from './backend/wasm.browser.js';
import { webPlatform } from './platform.web.js';

export const browserPlatform = webPlatform(wasmLoader);
