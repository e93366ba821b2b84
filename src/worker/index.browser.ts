import { workerSpawn } from './spawn.browser.js';
import { installSpawn } from './spawn.js';

/** Bundlers find the script by the very expression in here. */
const start = (script?: string | URL) =>
  script === undefined
    ? new Worker(new URL('./worker.browser.js', import.meta.url), { type: 'module', name: 'twill' })
    : new Worker(script, { type: 'module', name: 'twill' });

installSpawn(
  workerSpawn(
    start,
    "is worker.browser.js beside the page's script, served as JavaScript, and allowed by the content security policy " +
      '(worker-src)?',
  ),
);

export * from './index.js';
