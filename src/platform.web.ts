import type { BackendLoader, Platform } from './platform.js';

/** A page or a Web Worker, where the WebAssembly modules come with `loader`. */
export const webPlatform = (loader: BackendLoader): Platform => ({
  backends: new Map([['wasm', loader]]),
  environment: () => undefined,
  warn: (message) => console.warn(message),
});
