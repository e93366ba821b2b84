import { installPlatform } from './platform.js';
import { nodePlatform } from './platform.node.js';

installPlatform(nodePlatform);

export * from './index.js';
export { load, save } from './io/model-file.node.js';
