import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { batches, serve } from './serve.js';

/** node onnxruntime.js <folder with node_modules> <folder with weights and data> <threads> node|web */

interface Session {
  run(feeds: Record<string, unknown>): Promise<Record<string, { data: Float32Array }>>;
}

interface Runtime {
  readonly env: { wasm: { numThreads?: number; wasmPaths?: string } };
  readonly Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => unknown;
  readonly InferenceSession: { create(model: Uint8Array, options: object): Promise<Session> };
}

const [packages, folder, threads, kind] = process.argv.slice(2) as [string, string, string, 'node' | 'web'];
const require = createRequire(join(packages, 'package.json'));
const name = `onnxruntime-${kind}`;

async function load(): Promise<Runtime> {
  if (kind === 'node') return require(name);
  const entry = require.resolve(name);
  const runtime = await import(pathToFileURL(join(entry, '../ort.node.min.mjs')).href);
  const { env } = (runtime.default ?? runtime) as Runtime;
  env.wasm.numThreads = Number(threads);
  env.wasm.wasmPaths = pathToFileURL(join(entry, '../')).href;
  return runtime.default ?? runtime;
}

const runtime = await load();
const { version } = JSON.parse(readFileSync(join(packages, 'node_modules', name, 'package.json'), 'utf8'));
const session = await runtime.InferenceSession.create(
  new Uint8Array(readFileSync(join(folder, 'model.onnx'))),
  kind === 'node'
    ? { intraOpNumThreads: Number(threads), interOpNumThreads: 1, graphOptimizationLevel: 'all' }
    : { executionProviders: ['wasm'], graphOptimizationLevel: 'all' },
);

await serve(`${name} ${version}`, 'graph optimisation level all', async (options) => {
  if (options.kind !== 'inference') return undefined;
  const size = Number(options.batch);
  const source = batches(folder, 'test', size);
  const run = async () => {
    const { images } = source.next().value!;
    const { y } = await session.run({ x: new runtime.Tensor('float32', images, [size, 1, 28, 28]) });
    return y!.data;
  };
  const check = (await run()).slice(0, 10).reduce((sum, score) => sum + score, 0);
  return { run, check };
});
