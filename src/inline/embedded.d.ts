// What scripts/embed.js makes of the build: dist/inline/embedded.js.

/** dist/wasm/twill.wasm: base64 of gzip. */
export const wasm: string;
