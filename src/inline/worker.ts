import { workerSpawn } from '../worker/spawn.browser.js';
import { installSpawn } from '../worker/spawn.js';
import { wasm } from './embedded.js';
import { script } from './embedded-worker.js';

let address: string | undefined;

/** Without a script of someone else's: the one in here, which is told the WebAssembly modules first. */
function start(elsewhere?: string | URL): Worker {
  if (elsewhere !== undefined) return new Worker(elsewhere, { type: 'module', name: 'twill' });
  address ??= URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
  const worker = new Worker(address, { name: 'twill' });
  worker.postMessage(wasm);
  return worker;
}

installSpawn(workerSpawn(start, 'does the content security policy allow it (worker-src blob:)?'));

export * from '../worker/index.js';
