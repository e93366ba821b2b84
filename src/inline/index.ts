import { inlinePlatform } from '../platform.inline.js';
import { installPlatform } from '../platform.js';
import { wasm } from './embedded.js';

installPlatform(inlinePlatform(wasm));

export * from '../index.js';
export { load, save } from '../io/model-file.browser.js';
