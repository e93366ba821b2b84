import { wasmLoader } from './backend/wasm.browser.js';
import type { Platform } from './platform.js';

export const browserPlatform: Platform = {
  backends: new Map([['wasm', wasmLoader]]),
  environment: () => undefined,
  warn: (message) => console.warn(message),
};
