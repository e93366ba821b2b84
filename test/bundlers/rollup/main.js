import { run } from '../app.js';

run({ script: 'dist/worker.js', wasmBaseUrl: 'dist/wasm/' });
