// Predictions over HTTP: a PNG of 28 x 28 in, the three most probable classes out.
//
//   npm run example serve -- [--port 8080] [--model out/model.safetensors] [--images 6000]
//   curl --data-binary @shoe.png http://localhost:8080/predict
//
// Without a model it first trains one, on the first `--images` images. Requests that come while a batch is computed
// make up the next one. The computing is not done on this thread, so the server goes on answering.

import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { Conv2d, fit, Linear, load, manualSeed, MaxPool2d, Module, Predictor, ReLU, SGD } from 'twill';
import type { SymbolicTensor } from 'twill';
import { FASHION_MNIST_CLASSES, fashionMnist } from 'twill/data';
import { decodeGrey } from '../png.js';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8080' },
    model: { type: 'string' },
    images: { type: 'string', default: '6000' },
  },
});

const SIDE = 28;
const MOST_BYTES = 64 * 1024;

/** Puts what waits into one run: a batch of 16 takes little longer than a single image. */
class Batcher {
  readonly #predictor: Predictor;
  readonly #waiting: {
    pixels: Uint8Array;
    done: (scores: Float32Array) => void;
    failed: (e: unknown) => void;
  }[] = [];
  #running = false;

  constructor(predictor: Predictor) {
    this.#predictor = predictor;
  }

  scores(pixels: Uint8Array): Promise<Float32Array> {
    return new Promise((done, failed) => {
      this.#waiting.push({ pixels, done, failed });
      if (!this.#running) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#predictor.batchSize);
      const images = new Uint8Array(batch.length * SIDE * SIDE);
      batch.forEach(({ pixels }, n) => images.set(pixels, n * SIDE * SIDE));
      try {
        const scores = await this.#predictor.run(images);
        const each = scores.length / batch.length;
        batch.forEach(({ done }, n) => done(scores.subarray(n * each, (n + 1) * each)));
      } catch (error) {
        for (const { failed } of batch) failed(error);
      }
    }
    this.#running = false;
  }
}

/** What is answered with its status instead of a prediction. */
class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MOST_BYTES) throw new Refusal(413, `a picture of more than ${MOST_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function pixelsOf(body: Buffer): Uint8Array {
  let grey: ReturnType<typeof decodeGrey>;
  try {
    grey = decodeGrey(body);
  } catch (error) {
    throw new Refusal(400, `no PNG that can be read: ${(error as Error).message}`);
  }
  if (grey.width !== SIDE || grey.height !== SIDE) {
    throw new Refusal(400, `expected ${SIDE} x ${SIDE} pixels but got ${grey.width} x ${grey.height}`);
  }
  return grey.pixels;
}

/** The three best, by softmax. */
function rank(scores: Float32Array) {
  const largest = Math.max(...scores);
  const powers = Array.from(scores, (score) => Math.exp(score - largest));
  const sum = powers.reduce((a, b) => a + b);
  return powers
    .map((power, index) => ({ class: FASHION_MNIST_CLASSES[index]!, probability: power / sum }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, 3);
}

/** The article's network, its fields named as `twill train` names the weights. */
class Net extends Module {
  cnn1 = new Conv2d(1, 16, 5, { padding: 2 });
  cnn2 = new Conv2d(16, 32, 5, { padding: 2 });
  relu = new ReLU();
  pool = new MaxPool2d(2);
  fc1 = new Linear(32 * 7 * 7, 10);

  forward(x: SymbolicTensor) {
    x = this.pool.forward(this.relu.forward(this.cnn1.forward(x)));
    x = this.pool.forward(this.relu.forward(this.cnn2.forward(x)));
    return this.fc1.forward(x.flatten());
  }
}

manualSeed(1);
const model = new Net();
if (values.model !== undefined) await load(model, values.model);
else {
  const { train } = await fashionMnist();
  const images = train.take(Number(values.images));
  await fit(model, images, { batchSize: 50, optimizer: new SGD({ lr: 0.05, momentum: 0.9 }) }).finish();
}
const batcher = new Batcher(new Predictor(model, { inputShape: [1, SIDE, SIDE], batchSize: 16 }));

const server = createServer((request, response) => {
  const answer = (status: number, body: object) => {
    // What of a refused picture is still on its way is not waited for.
    const headers = { 'content-type': 'application/json', ...(status === 413 && { connection: 'close' }) };
    response.writeHead(status, headers).end(`${JSON.stringify(body)}\n`);
  };
  const work = async () => {
    if (request.url === '/health') return { ok: true };
    if (request.url !== '/predict' || request.method !== 'POST')
      throw new Refusal(404, 'POST a PNG to /predict');
    return { top: rank(await batcher.scores(pixelsOf(await bodyOf(request)))) };
  };
  work().then(
    (body) => answer(200, body),
    (error: unknown) => {
      if (error instanceof Refusal) return answer(error.status, { error: error.message });
      console.error(error);
      answer(500, { error: 'internal error' });
    },
  );
});
server.listen(Number(values.port), () => {
  console.log(`http://localhost:${(server.address() as AddressInfo).port}/predict`);
});
// Takes no new connections, answers what is under way, and then nothing keeps the process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => server.close());
