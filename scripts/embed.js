// Makes of the build what twill/inline embeds: the WebAssembly module and the worker's script, as JavaScript.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const dist = new URL('../dist/', import.meta.url);

function embed(file, name, text) {
  writeFileSync(new URL(`inline/${file}`, dist), `export const ${name} = ${JSON.stringify(text)};\n`);
}

const wasm = readFileSync(new URL('wasm/twill.wasm', dist));
embed('embedded.js', 'wasm', gzipSync(wasm, { level: 9 }).toString('base64'));

const { outputFiles } = await build({
  entryPoints: [fileURLToPath(new URL('inline/worker-script.js', dist))],
  bundle: true,
  minify: true,
  format: 'iife',
  write: false,
  logLevel: 'warning',
});
embed('embedded-worker.js', 'script', outputFiles[0].text);
