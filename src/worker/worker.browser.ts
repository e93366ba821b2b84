import { browserPlatform } from '../platform.browser.js';
import { serveScope } from './scope.browser.js';

serveScope(browserPlatform);
