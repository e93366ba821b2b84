import { nativeLoader } from './backend/native.node.js';
import { wasmLoader } from './backend/wasm.node.js';
import type { Platform } from './platform.js';
import { firstTime } from './warnings.node.js';

export const nodePlatform: Platform = {
  backends: new Map([
    ['native', nativeLoader],
    ['wasm', wasmLoader],
  ]),
  environment: (name) => process.env[name],
  warn: (message) => {
    if (firstTime(message)) process.emitWarning(message, 'TwillWarning');
  },
};
