import { browserPlatform } from './platform.browser.js';
import { installPlatform } from './platform.js';

installPlatform(browserPlatform);

export * from './index.js';
export { load, save } from './io/model-file.browser.js';
