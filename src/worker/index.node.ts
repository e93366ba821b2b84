import { nodeSpawn } from './spawn.node.js';
import { installSpawn } from './spawn.js';

installSpawn(nodeSpawn);

export * from './index.js';
