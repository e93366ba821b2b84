import { nativeLoader } from './backend/native.node.js';
import { wasmLoader } from './backend/wasm.node.js';
import { MAX_MODEL_BYTES, readBytes, writeFileAtomic } from './io/file.node.js';
import type { Platform } from './platform.js';
import { firstTime } from './warnings.node.js';

export const nodePlatform: Platform = {
  backends: new Map([
    ['native', nativeLoader],
    ['wasm', wasmLoader],
  ]),
  files: { read: (file) => readBytes(file, MAX_MODEL_BYTES), write: writeFileAtomic },
  environment: (name) => process.env[name],
  warn: (message) => {
    if (firstTime(message)) process.emitWarning(message, 'TwillWarning');
  },
};
