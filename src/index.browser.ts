import { wasmLoader } from './backend/wasm.browser.js';
import { installPlatform } from './platform.js';

installPlatform({
  backends: new Map([['wasm', wasmLoader]]),
  environment: () => undefined,
  warn: (message) => console.warn(message),
});

export * from './index.js';
export { load, save } from './io/model-file.browser.js';
