import { browserSpawn } from './spawn.browser.js';
import { installSpawn } from './spawn.js';

installSpawn(browserSpawn);

export * from './index.js';
