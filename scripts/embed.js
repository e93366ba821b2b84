// Makes of the build what twill/inline embeds: the WebAssembly modules and the worker's script, as JavaScript.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const dist = new URL('../dist/', import.meta.url);

function embed(file, name, value) {
  writeFileSync(new URL(`inline/${file}`, dist), `export const ${name} = ${JSON.stringify(value)};\n`);
}

const modules = ['relaxed-simd128', 'simd128'].map((isa) => {
  const bytes = readFileSync(new URL(`wasm/twill-${isa}.wasm`, dist));
  return [isa, gzipSync(bytes, { level: 9 }).toString('base64')];
});
embed('embedded.js', 'wasm', Object.fromEntries(modules));

const { outputFiles } = await build({
  entryPoints: [fileURLToPath(new URL('inline/worker-script.js', dist))],
  bundle: true,
  minify: true,
  format: 'iife',
  write: false,
  logLevel: 'warning',
});
embed('embedded-worker.js', 'script', outputFiles[0].text);
