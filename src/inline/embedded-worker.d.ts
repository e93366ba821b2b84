// What scripts/embed.js makes of dist/inline/worker-script.js: dist/inline/embedded-worker.js.

/** A classic script, bundled whole. */
export const script: string;
