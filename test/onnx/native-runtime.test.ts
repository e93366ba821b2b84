import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { toolsFolder } from '../install/wide/tools.js';
import { holdsTo, requireRuntime } from './native-runtime.js';

/** Where the bench looks for it, or where `npm run test:install` put it: it weighs 290 MB, too much for every check. */
const folder = [process.env.TWILL_PEERS, toolsFolder('onnxruntime')].find(
  (one) => one && existsSync(join(one, 'node_modules/onnxruntime-node')),
);

describe('exported, onnxruntime-node says the same of', () => {
  if (folder === undefined) {
    it.skip(
      'every network: no onnxruntime-node in $TWILL_PEERS, nor one that npm run test:install installed',
    );
  } else holdsTo(() => requireRuntime(folder));
});
