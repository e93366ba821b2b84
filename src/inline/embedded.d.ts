// What scripts/embed.js makes of the build: dist/inline/embedded.js.
import type { EmbeddedModules } from '../backend/wasm.inline.js';

/** dist/wasm/twill-*.wasm, but for those with threads. */
export const wasm: EmbeddedModules;
