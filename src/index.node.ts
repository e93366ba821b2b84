import { nativeLoader } from './backend/native.node.js';
import { wasmLoader } from './backend/wasm.node.js';
import { installPlatform } from './platform.js';

installPlatform({
  backends: new Map([
    ['native', nativeLoader],
    ['wasm', wasmLoader],
  ]),
  environment: (name) => process.env[name],
  warn: (message) => process.emitWarning(message, 'TwillWarning'),
});

export * from './index.js';
export { load, save } from './io/model-file.node.js';
