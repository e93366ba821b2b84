import { resolveObjectURL } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker as NodeWorker } from 'node:worker_threads';
import { batches, floats, serve } from './serve.js';

/**
 * node jax.js <folder with node_modules> <folder with weights and data> <threads>
 *
 * jax-js on its WebAssembly backend, at its best: its own convolution is some ten times slower than its matrix product,
 * so the convolutions are written out as the product of a matrix of patches, channels last.
 */
const [packages, folder, threads] = process.argv.slice(2) as [string, string, string];

/** jax-js starts its threads through the browser's Worker, which Node does not have. */
function provideWorkers(count: number): void {
  class BrowserWorker {
    onmessage?: (event: { data: unknown }) => void;
    onerror?: (error: unknown) => void;
    readonly #started: Promise<NodeWorker>;

    constructor(url: string) {
      this.#started = this.#start(url);
    }

    postMessage(message: unknown): void {
      this.#started.then((worker) => worker.postMessage(message));
    }

    async #start(url: string): Promise<NodeWorker> {
      const source = await resolveObjectURL(url)!.text();
      const worker = new NodeWorker(
        `const { parentPort } = require('node:worker_threads');
         globalThis.self = globalThis;
         globalThis.postMessage = (message) => parentPort.postMessage(message);
         ${source}
         parentPort.on('message', (data) => self.onmessage({ data }));`,
        { eval: true },
      );
      worker.on('message', (data) => this.onmessage?.({ data }));
      worker.on('error', (error) => this.onerror?.(error));
      return worker;
    }
  }
  Object.assign(globalThis, { Worker: BrowserWorker });
  const navigator = { hardwareConcurrency: count };
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true });
}

if (Number(threads) > 1) provideWorkers(Number(threads));

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the package is not installed where this is compiled, so neither are its types.
type Any = any;
const root = join(packages, 'node_modules/@jax-js/jax');
const jax: Any = await import(pathToFileURL(join(root, 'dist/index.js')).href);
const { numpy: np, nn, jit, valueAndGrad, tree } = jax;
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
await jax.init('cpu', 'wasm');
jax.defaultDevice('wasm');

const KERNEL = 5;
const TAPS = KERNEL ** 2;

/** OIHW weights as the right-hand matrix of the product: [KH*KW*IC, OC]. */
function weightMatrix(name: string, OC: number, IC: number): Any {
  const values = floats(folder, name);
  const matrix = new Float32Array(values.length);
  for (let oc = 0; oc < OC; oc++)
    for (let ic = 0; ic < IC; ic++)
      for (let tap = 0; tap < TAPS; tap++)
        matrix[(tap * IC + ic) * OC + oc] = values[(oc * IC + ic) * TAPS + tap]!;
  return np.array(matrix).reshape([TAPS * IC, OC]);
}

/** [10, C*H*W] as [H*W*C, 10]. */
function linearMatrix(name: string, C: number, pixels: number): Any {
  const values = floats(folder, name);
  const matrix = new Float32Array(values.length);
  for (let out = 0; out < 10; out++)
    for (let c = 0; c < C; c++)
      for (let at = 0; at < pixels; at++)
        matrix[(at * C + c) * 10 + out] = values[out * C * pixels + c * pixels + at]!;
  return np.array(matrix).reshape([C * pixels, 10]);
}

const parameters = () => ({
  w1: weightMatrix('cnn1.weight', 16, 1),
  b1: np.array(floats(folder, 'cnn1.bias')),
  w2: weightMatrix('cnn2.weight', 32, 16),
  b2: np.array(floats(folder, 'cnn2.bias')),
  w3: linearMatrix('fc1.weight', 32, 49),
  b3: np.array(floats(folder, 'fc1.bias')),
});

/** The 25 pixels around each pixel side by side: [N*H*W, 25*C] of [N, H, W, C]. */
function patches(x: Any): Any {
  const [N, H, W, C] = x.shape;
  const padded = np.pad(x, [
    [0, 0],
    [2, 2],
    [2, 2],
    [0, 0],
  ]);
  const shifted: Any[] = [];
  for (let tap = 0; tap < TAPS; tap++) {
    const [i, j] = [Math.floor(tap / KERNEL), tap % KERNEL];
    const source = tap === TAPS - 1 ? padded : padded.ref; // arrays are used up by what reads them
    shifted.push(source.slice([], [i, i + H], [j, j + W], []));
  }
  return np.concatenate(shifted, 3).reshape([N * H * W, TAPS * C]);
}

function convolutionReluPool(x: Any, weight: Any, bias: Any, OC: number): Any {
  const [N, H, W] = x.shape;
  const y = nn.relu(np.dot(patches(x), weight).add(bias));
  return np.max(y.reshape([N, H / 2, 2, W / 2, 2, OC]), [2, 4]);
}

function predict({ w1, b1, w2, b2, w3, b3 }: Any, x: Any): Any {
  const first = convolutionReluPool(x, w1, b1, 16);
  const second = convolutionReluPool(first, w2, b2, 32);
  return np.dot(second.reshape([-1, 1568]), w3).add(b3);
}

function images(pixels: Float32Array, size: number): Any {
  return np.array(pixels).reshape([size, 28, 28, 1]);
}

const meanLoss = (p: Any, x: Any, expected: Any, size: number) =>
  nn
    .logSoftmax(predict(p, x))
    .mul(expected)
    .sum()
    .mul(-1 / size);

async function training(size: number) {
  const step = jit((p: Any, x: Any, expected: Any) => {
    const loss = valueAndGrad((q: Any) => meanLoss(q, x, expected, size));
    const [value, gradients] = loss(tree.ref(p));
    return [value, tree.map((a: Any, gradient: Any) => a.sub(gradient.mul(0.1)), p, gradients)];
  });
  const source = batches(folder, 'train', size);
  let weights = parameters();
  const run = async (): Promise<number> => {
    const { images: pixels, labels } = source.next().value!;
    const expected = new Float32Array(size * 10);
    labels.forEach((label, at) => {
      expected[at * 10 + label] = 1;
    });
    const [value, next] = step(weights, images(pixels, size), np.array(expected).reshape([size, 10]));
    weights = next;
    await jax.blockUntilReady(weights);
    return (await value.data())[0];
  };
  return { run, check: await run() };
}

async function inference(size: number) {
  const scores = jit(predict);
  const weights = parameters();
  const source = batches(folder, 'test', size);
  const run = async (): Promise<Float32Array> =>
    scores(tree.ref(weights), images(source.next().value!.images, size)).data();
  const check = (await run()).slice(0, 10).reduce((sum, score) => sum + score, 0);
  return { run, check };
}

await serve(
  `jax-js ${version}`,
  'wasm backend, convolutions as matrix products, jit',
  async ({ kind, batch }) => {
    if (kind === 'step') return training(Number(batch));
    return kind === 'inference' ? inference(Number(batch)) : undefined;
  },
);
