import { spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Dataset, DataLoader, ImageDataset } from '../src/data/index.node.js';
import {
  BackendUnavailableError,
  Conv2d,
  CrossEntropyLoss,
  evaluate,
  fit,
  Generator,
  LabelError,
  Linear,
  loadBackend,
  MaxPool2d,
  Module,
  NumericError,
  OptionError,
  Predictor,
  predict,
  ReLU,
  SGD,
  ShapeError,
  type SymbolicTensor,
  Trainer,
  WorkerError,
} from '../src/index.node.js';
import { TrainingWorker } from '../src/worker/index.node.js';
import { LOSSES, OPS, OPTIMIZERS } from '../src/worker/registry.js';
import { bars, weightsOf } from './support.js';

const train = bars(230);
const validation = bars(90, { seed: 2 });

/** Code that no worker has. */
class Net extends Module {
  readonly conv: Conv2d;
  readonly head: Linear;
  readonly #pool = new MaxPool2d(2);
  readonly #relu = new ReLU();

  constructor(seed = 1) {
    super();
    const generator = new Generator(seed);
    this.conv = new Conv2d(1, 8, 3, { padding: 1, generator });
    this.head = new Linear(8 * 4 * 4, 4, { generator });
  }

  forward(x: SymbolicTensor): SymbolicTensor {
    const features = this.#pool.forward(this.#relu.forward(this.conv.forward(x)));
    return this.head.forward(features.flatten());
  }
}

const options = () => ({ optimizer: new SGD({ lr: 0.1, momentum: 0.9 }), batchSize: 50, epochs: 3 });

/** Collects the records and the weights at each. */
async function followed(run: AsyncIterable<object>, model: Module) {
  const seen = [];
  for await (const { seconds: _, evalSeconds: __, ...record } of run as AsyncIterable<
    Record<string, unknown>
  >) {
    seen.push({ record, weights: weightsOf(model) });
  }
  return seen;
}

describe.each(['native', 'wasm'] as const)('a worker that computes with %s', (name) => {
  let worker: TrainingWorker;
  const backend = () => loadBackend({ backend: name, threads: name === 'native' ? 2 : undefined });
  const start = () => TrainingWorker.start({ backend: name, threads: name === 'native' ? 2 : undefined });
  beforeAll(async () => {
    worker = await start();
  });
  afterAll(() => worker.terminate());

  it('says what it computes with', async () => {
    expect(worker.info()).toEqual((await backend()).info());
  });

  it('trains to the bits of fit on this thread, with its records', async () => {
    const more = { validation, shuffle: true, seed: 7, loss: new CrossEntropyLoss({ reduction: 'sum' }) };
    const set = () => ({ ...options(), optimizer: new SGD({ lr: 0.001, momentum: 0.9 }), ...more });
    const [a, b] = [new Net(), new Net()];
    const here = await followed(fit(a, train, { ...set(), backend: await backend() }), a);
    expect(await followed(worker.fit(b, train, set()), b)).toEqual(here);
    expect(here.length).toBe(3);
  });

  it('tells every batch, in order and before the epoch that it belongs to', async () => {
    const tell = async (train_: typeof fit | typeof worker.fit, more: object) => {
      const events: string[] = [];
      const run = train_(new Net(), train, {
        ...options(),
        ...more,
        onBatch: (progress) => events.push(JSON.stringify(progress)),
        onEpoch: ({ epoch }) => void events.push(`epoch ${epoch}`),
      });
      const { epochs } = await run.finish();
      expect(epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
      expect(run.history.epochs).toEqual(epochs);
      return events;
    };
    const inWorker = await tell(worker.fit.bind(worker), {});
    expect(inWorker.length).toBe(3 * 6);
    expect(inWorker).toEqual(await tell(fit, { backend: await backend() }));
  });

  it('follows a learning rate and weights that are set between epochs', async () => {
    const trained = async (
      start_: (model: Module, set: ReturnType<typeof options>) => AsyncIterable<unknown>,
    ) => {
      const model = new Net();
      const set = options();
      const first = model.stateDict();
      let epoch = 0;
      for await (const _ of start_(model, set)) {
        set.optimizer.lr /= 2;
        if (++epoch === 2) model.loadStateDict(first);
      }
      return weightsOf(model);
    };
    const there = await trained((model, set) => worker.fit(model, train, set));
    const on = await backend();
    expect(there).toEqual(await trained((model, set) => fit(model, train, { ...set, backend: on })));
  });

  it('trains on with the learning rate that was set in a pause', async () => {
    const [there, here] = [new Net(), new Net()];
    const set = { ...options(), epochs: 1, optimizer: new SGD({ lr: 0 }) };
    const run = worker.fit(there, train, set);
    run.pause();
    const finished = run.finish();
    await expect.poll(() => run.history.epochs).toEqual([]);
    set.optimizer.lr = 0.1;
    run.resume();
    await finished;
    const whole = { ...set, optimizer: new SGD({ lr: 0.1 }), backend: await backend() };
    await fit(here, train, whole).finish();
    expect(weightsOf(there)).toEqual(weightsOf(here));
  });

  it('takes a DataLoader, and counts its epochs', async () => {
    const [a, b] = [1, 2].map(() => new DataLoader(train, { batchSize: 40, shuffle: true, dropLast: true }));
    const [there, here] = [new Net(), new Net()];
    const set = () => ({ optimizer: new SGD({ lr: 0.1 }), epochs: 2 });
    for (const _ of [1, 2]) {
      await worker.fit(there, a!, set()).finish();
      await fit(here, b!, { ...set(), backend: await backend() }).finish();
    }
    expect([a!.epoch, b!.epoch]).toEqual([4, 4]);
    expect(weightsOf(there)).toEqual(weightsOf(here));
  });

  it('leaves frozen parameters alone, and parameters that forward does not use', async () => {
    class Spare extends Net {
      readonly spare = new Linear(2, 2);
    }
    const [a, b] = [new Spare(), new Spare()];
    b.loadStateDict(a.stateDict());
    for (const model of [a, b]) model.conv.requiresGrad(false);
    await worker.fit(a, train, options()).finish();
    await fit(b, train, { ...options(), backend: await backend() }).finish();
    expect(weightsOf(a)).toEqual(weightsOf(b));
  });

  it('steps as a Trainer does, and brings the weights here when asked', async () => {
    const [a, b] = [new Net(), new Net()];
    const set = { inputShape: train.shape, optimizer: new SGD({ lr: 0.1, momentum: 0.9 }), batchSize: 50 };
    const there = worker.trainer(a, set);
    const here = new Trainer(b, { ...set, backend: await backend() });
    const before = weightsOf(a);
    const batch = train.subset(0, 50);
    for (let step = 0; step < 3; step++) {
      const { images, labels } = batch;
      expect(await there.step(images, labels)).toEqual(await here.step(images, labels));
    }
    expect(there.steps).toBe(3);
    expect(weightsOf(a)).toEqual(before);
    await there.sync();
    expect(weightsOf(a)).toEqual(weightsOf(b));
    // Weights that are set on this side count, and so does a new learning rate.
    set.optimizer.lr = 0.05;
    for (const model of [a, b]) model.loadStateDict(new Net(9).stateDict());
    const floats = Float32Array.from(batch.images as Uint8Array, (value) => value / 255);
    expect(await there.step(floats, [...batch.labels])).toEqual(await here.step(floats, [...batch.labels]));
    there.dispose();
    await expect(there.step(batch.images, batch.labels)).rejects.toThrow('the trainer was disposed');
  });

  it('evaluates and predicts as on this thread', async () => {
    const model = new Net(3);
    const on = await backend();
    expect(await worker.evaluate(model, validation)).toEqual(
      await evaluate(model, validation, { backend: on }),
    );
    const expected = await predict(model, validation, { backend: on });
    expect(await worker.predict(model, validation, { batchSize: 7 })).toEqual(expected);
    const predictor = worker.predictor(model, { inputShape: validation.shape, batchSize: 20 });
    expect(await predictor.run(validation.images)).toEqual(expected.logits);
    model.loadStateDict(new Net(4).stateDict());
    expect(await predictor.run(validation.images)).toEqual(
      (await predict(model, validation, { backend: on })).logits,
    );
    const { predictions } = await predictor.evaluate(validation);
    expect(predictions).toEqual((await evaluate(model, validation, { backend: on })).predictions);
    predictor.dispose();
    await expect(predictor.evaluate(validation)).rejects.toThrow('the predictor was disposed');
    await expect(predictor.run(validation.images)).rejects.toThrow('the predictor was disposed');
  });

  it('predicts more than fits one message', async () => {
    const many = bars(70_001);
    const model = new Net();
    const { logits, classes, probabilities } = await worker.predict(model, many);
    const predictor = new Predictor(model, { inputShape: many.shape, backend: await backend() });
    expect(logits).toEqual(await predictor.run(many.images));
    expect([classes.length, probabilities.length]).toEqual([70_001, 4 * 70_001]);
  });

  it('ends within one batch of an abort, with weights that can be used', async () => {
    const controller = new AbortController();
    const model = new Net();
    let batches = 0;
    const run = worker.fit(model, train, {
      ...options(),
      epochs: 1_000_000,
      signal: controller.signal,
      onBatch: () => {
        batches++;
        controller.abort();
      },
    });
    const before = weightsOf(model);
    const history = await run.finish();
    expect(run.aborted).toBe(true);
    expect(history.epochs.length).toBe(Math.floor(batches / 5));
    expect(weightsOf(model)).not.toEqual(before);
    // They are those after exactly the batches that were told of.
    const twin = new Net();
    let seen = 0;
    const stop = new AbortController();
    await fit(twin, train, {
      ...options(),
      epochs: 1_000_000,
      backend: await backend(),
      signal: stop.signal,
      onBatch: () => ++seen === batches && stop.abort(),
    } as never).finish();
    expect(weightsOf(model)).toEqual(weightsOf(twin));
  });

  it('does nothing where the signal aborted before, and throws the reason out of evaluate', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    const model = new Net();
    const before = weightsOf(model);
    const run = worker.fit(model, train, { ...options(), signal });
    expect((await run.finish()).epochs).toEqual([]);
    expect(run.aborted).toBe(true);
    expect(weightsOf(model)).toEqual(before);
    await expect(worker.evaluate(model, validation, { signal })).rejects.toBe(signal.reason);
  });

  it('pauses between batches, trains on where it was, and brings the weights of the pause', async () => {
    const [there, here] = [new Net(), new Net()];
    let batches = 0;
    const run = worker.fit(there, train, { ...options(), onBatch: () => ++batches === 1 && run.pause() });
    const finished = run.finish();
    await expect.poll(() => run.paused).toBe(true);
    let before: Float32Array;
    do {
      before = weightsOf(there);
      await run.sync();
      await new Promise((resolve) => setTimeout(resolve, 20));
    } while (weightsOf(there).some((value, index) => value !== before[index]));
    // The pause may arrive after the epoch's last batch, but before the next epoch's first.
    expect(batches).toBeGreaterThanOrEqual(1);
    expect(batches).toBeLessThanOrEqual(5);
    run.resume();
    await finished;
    expect(batches).toBe(15);
    await fit(here, train, { ...options(), backend: await backend() }).finish();
    expect(weightsOf(there)).toEqual(weightsOf(here));
  });

  it('ends a paused training by an abort', async () => {
    const controller = new AbortController();
    const run = worker.fit(new Net(), train, { ...options(), signal: controller.signal });
    run.pause();
    const finished = run.finish();
    setTimeout(() => controller.abort(), 20);
    expect((await finished).epochs).toEqual([]);
    expect(run.aborted).toBe(true);
  });

  it('answers other questions while it trains', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const model = new Net();
    const run = worker.fit(model, train, { ...options(), epochs: 1_000_000, signal });
    const finished = run.finish();
    const other = new Net(3);
    const alone = await evaluate(other, validation, { backend: await backend() });
    for (const _ of [1, 2, 3]) expect(await worker.evaluate(other, validation)).toEqual(alone);
    controller.abort();
    await finished;
    expect(run.aborted).toBe(true);
  });

  it('throws what was thrown: class, message, where', async () => {
    const model = new Net();
    const broken = new Net();
    broken.conv.weight.write(broken.conv.weight.read().fill(Number.POSITIVE_INFINITY));
    const rejection = async (promise: Promise<unknown>) => promise.catch((error: unknown) => error as Error);

    const numeric = await rejection(worker.fit(broken, train, options()).finish());
    expect(numeric).toBeInstanceOf(NumericError);
    expect(numeric).toMatchObject({
      name: 'NumericError',
      message: expect.stringMatching(/^\[fit\] the loss became NaN in epoch 1, batch 1 of 5/) as string,
    });
    expect((numeric as Error).stack).toMatch(/^NumericError: .*\n\s+at .*fit\.js/);

    const eight = new ImageDataset({ images: train.images, labels: labels(230, 7), shape: [1, 8, 8] });
    await expect(worker.fit(model, eight, options()).finish()).rejects.toThrow(LabelError);
    await expect(worker.evaluate(model, eight)).rejects.toThrow(
      'label 0 is 7 but the model has classes 0 to 3',
    );
    const wide = new ImageDataset({ images: train.images, labels: labels(115), shape: [2, 8, 8] });
    await expect(worker.fit(model, wide, options()).finish()).rejects.toThrow(ShapeError);
    await expect(worker.evaluate(model, wide)).rejects.toThrow(
      '[conv2d conv] expected 1 input channels (weight 8x1x3x3) but got 2',
    );
    await expect(worker.evaluate(model, train, { batchSize: 0 })).rejects.toThrow(OptionError);
    await expect(worker.predict(model, { images: new Uint8Array(3), shape: [1, 8, 8] })).rejects.toThrow(
      ShapeError,
    );
    const trainer = worker.trainer(model, { inputShape: train.shape, optimizer: new SGD(), batchSize: 8 });
    await expect(trainer.step(train.images, train.labels)).rejects.toThrow(
      "got 230 images but the trainer's batchSize is 8",
    );
    const few = train.subset(0, 8);
    await expect(trainer.step(few.images, new Int32Array(8).fill(4))).rejects.toThrow(LabelError);
    await expect(trainer.step(few.images, few.labels.subarray(1))).rejects.toThrow(
      'got 8 images but 7 labels',
    );
  });

  it('keeps the weights of the last step when the loss diverges', async () => {
    const [a, b] = [new Net(), new Net()];
    const set = () => ({ ...options(), optimizer: new SGD({ lr: 1e19 }) });
    await expect(worker.fit(a, train, set()).finish()).rejects.toThrow(NumericError);
    await expect(fit(b, train, { ...set(), backend: await backend() }).finish()).rejects.toThrow(
      NumericError,
    );
    expect(weightsOf(a)).toEqual(weightsOf(b));
  });

  it.each(['onBatch', 'onEpoch'])('ends with what %s throws', async (callback) => {
    const error = new RangeError('mine');
    const thrower = () => {
      throw error;
    };
    const run = worker.fit(new Net(), train, { ...options(), epochs: 1_000_000, [callback]: thrower });
    await expect(run.finish()).rejects.toBe(error);
    expect(run.aborted).toBe(false);
  });

  it('is terminated in the middle of a step: what waits is rejected, and so is what comes after', async () => {
    const doomed = await start();
    const model = new Net();
    const trainer = doomed.trainer(model, { inputShape: train.shape, optimizer: new SGD() });
    const few = train.subset(0, 100);
    await trainer.step(few.images, few.labels);
    const waiting = [
      doomed.fit(model, train, { ...options(), epochs: 1_000_000 }).finish(),
      trainer.step(few.images, few.labels),
      doomed.predict(model, validation),
    ];
    doomed.terminate();
    for (const outcome of await Promise.allSettled(waiting)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(WorkerError) as Error });
    }
    await expect(doomed.evaluate(model, train)).rejects.toThrow(
      '[TrainingWorker] evaluate: the worker was terminated',
    );
    expect((await evaluate(model, validation)).size).toBe(90);
  });

  it('closes after what runs, a whole training included', async () => {
    const closing = await start();
    const run = closing.fit(new Net(), train, options());
    const finished = run.finish();
    const closed = closing.close();
    await expect(closing.predict(new Net(), validation)).rejects.toThrow(WorkerError);
    expect((await finished).epochs.length).toBe(3);
    await closed;
    await expect(closing.evaluate(new Net(), validation)).rejects.toThrow('the worker was closed');
  });
});

describe('what travels', () => {
  let worker: TrainingWorker;
  beforeAll(async () => {
    worker = await TrainingWorker.start({ backend: 'wasm' });
  });
  afterAll(() => worker.terminate());

  it('a data set once, whoever made it', async () => {
    let copied = 0;
    const counted: Dataset = {
      length: train.length,
      shape: train.shape,
      dtype: train.dtype,
      copy(indices, images, labels) {
        copied += indices.length;
        train.copy(indices, images, labels);
      },
    };
    const [a, b] = [new Net(), new Net()];
    for (const _ of [1, 2]) await worker.fit(a, counted, { ...options(), validation: counted }).finish();
    await worker.evaluate(a, counted);
    expect(copied).toBe(train.length);
    for (const _ of [1, 2]) await worker.fit(b, train, options()).finish();
    expect(weightsOf(a)).toEqual(weightsOf(b));
  });

  it('nothing of a data set in shared memory: both sides see it', async () => {
    const share = <T extends Uint8Array | Float32Array>(values: T): T => {
      const Type = values.constructor as new (from: SharedArrayBuffer) => T;
      const shared = new Type(new SharedArrayBuffer(values.byteLength));
      shared.set(values);
      return shared;
    };
    const images = share(Float32Array.from(train.images as Uint8Array, (value) => value / 255));
    const shared = new ImageDataset({
      images,
      labels: share(train.labels as Uint8Array),
      shape: train.shape,
    });
    const model = new Net();
    const { predictions } = await worker.evaluate(model, shared);
    expect((await worker.predict(model, shared)).classes).toEqual(predictions);
    for (let n = 0; n < shared.length; n++) shared.labels[n] = predictions[n]!;
    expect((await worker.evaluate(model, shared)).accuracy).toBe(1);
    // Labels of its own are copied.
    const half = new ImageDataset({ images, labels: Uint8Array.from(predictions), shape: train.shape });
    expect((await worker.evaluate(model, half)).accuracy).toBe(1);
    images.fill(0);
    const { predictions: dark } = await worker.evaluate(model, half);
    expect(new Set(dark).size).toBe(1);
    expect(half.labels.length).toBe(230);
  });

  it('copies of everything else: what is given stays whole', async () => {
    const images = Buffer.from(train.images.subarray(0, 640));
    const labels = train.labels.slice(0, 10);
    const model = new Net();
    const trainer = worker.trainer(model, { inputShape: train.shape, optimizer: new SGD({ lr: 0.1 }) });
    const first = await trainer.step(images, labels);
    expect([images.length, labels.length]).toEqual([640, 10]);
    const predicted = await worker.predict(model, { images, shape: train.shape });
    const again = worker.trainer(model, { inputShape: train.shape, optimizer: new SGD({ lr: 0.1 }) });
    const running = again.step(images, labels);
    images.fill(0);
    labels.fill(0);
    expect(await running).toEqual(first);
    expect(predicted.classes.length).toBe(10);
  });

  it('no optimizer, loss or loader whose code the worker does not have', () => {
    class Mine extends SGD {}
    class Other extends DataLoader {}
    class Loss extends CrossEntropyLoss {}
    const refused = (train_: Dataset | DataLoader, more: object) => () =>
      worker.fit(new Net(), train_, { optimizer: new SGD(), ...more });
    expect(refused(train, { optimizer: new Mine() })).toThrow(
      'optimizer must be one that a worker knows (SGD) but is a value of type Mine',
    );
    expect(refused(train, { loss: new Loss() })).toThrow('(CrossEntropyLoss) but is a value of type Loss');
    expect(refused(train, { optimizer: undefined })).toThrow(OptionError);
    expect(refused(new Other(train), {})).toThrow('use a DataLoader itself');
    expect(refused(train, { backend: worker })).toThrow("unknown option 'backend'");
    expect(refused(train, { epochs: 1.5 })).toThrow(OptionError);
    expect(() => worker.predictor({} as never, { inputShape: train.shape })).toThrow('expected a model');
  });

  it('every op, optimizer and loss of the library', async () => {
    const exported = async (folder: string) => {
      const names = await readdir(new URL(`../src/${folder}/`, import.meta.url));
      const modules = await Promise.all(
        names.map(
          (name) => import(/* @vite-ignore */ new URL(`../src/${folder}/${name}`, import.meta.url).href),
        ),
      );
      return modules.flatMap((module) => Object.values(module as object) as unknown[]);
    };
    const has = (value: unknown, ...keys: string[]) =>
      keys.every((key) => typeof (value as Record<string, unknown> | null)?.[key] === 'function');
    // conv2d_pool is what fusion makes: no model records it.
    const ops = (await exported('ops')).filter((value) => has(value, 'infer', 'forward', 'backward'));
    const recorded = ops.filter((op) => (op as { name: string }).name !== 'conv2d_pool');
    expect(new Set(OPS)).toEqual(new Set(recorded));
    const optimizers = (await exported('optim')).filter((value) =>
      has((value as { prototype?: unknown }).prototype, 'emit'),
    );
    expect(new Set(Object.values(OPTIMIZERS))).toEqual(new Set(optimizers));
    const losses = (await exported('nn')).filter((value) => /^class \w+Loss\b/.test(String(value)));
    expect(new Set(Object.values(LOSSES))).toEqual(new Set(losses));
    for (const [name, Class] of Object.entries({ ...OPTIMIZERS, ...LOSSES })) {
      const one = new Class();
      expect(new Class(one.options as never).options, name).toEqual(one.options);
    }
  });
});

describe('starting a worker', () => {
  it('throws what loading the backend throws', async () => {
    const wanted = { backend: 'native', threads: 0 } as const;
    await expect(TrainingWorker.start(wanted)).rejects.toThrow(OptionError);
    await expect(TrainingWorker.start({ thread: 1 } as never)).rejects.toThrow(
      "unknown option 'thread', did you mean 'threads'?",
    );
    process.env.TWILL_ISA = 'mmx';
    try {
      await expect(TrainingWorker.start({ backend: 'native' })).rejects.toThrow(BackendUnavailableError);
    } finally {
      delete process.env.TWILL_ISA;
    }
  });

  it('throws WorkerError where the script fails', async () => {
    const script = new URL('nowhere.js', import.meta.url);
    const missing = TrainingWorker.start({ script });
    await expect(missing).rejects.toThrow(WorkerError);
    await expect(missing).rejects.toThrow(/the worker crashed: Cannot find module .*nowhere\.js/);
    const ending = new URL('data:text/javascript,process.exit(3)');
    await expect(TrainingWorker.start({ script: ending })).rejects.toThrow('it ended with code 3');
  });

  it('rejects what waits where the worker goes down by itself', async () => {
    const real = new URL('../dist/worker/worker.node.js', import.meta.url).href;
    const code = `import '${real}'; setTimeout(() => { throw new RangeError('boom') }, 100)`;
    const script = new URL(`data:text/javascript,${encodeURIComponent(code)}`);
    const worker = await TrainingWorker.start({ script, backend: 'wasm' });
    const model = new Net();
    const run = worker.fit(model, train, { ...options(), epochs: 1_000_000 });
    const failure = await run.finish().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(WorkerError);
    expect(failure).toMatchObject({
      message: '[TrainingWorker] the worker crashed: boom',
      cause: { message: 'boom' },
    });
    expect((await evaluate(model, validation)).size).toBe(90);
  });
});

describe('a process with a worker', () => {
  const dist = new URL('../dist/', import.meta.url).href;
  const PREAMBLE = `
    import { Flatten, Linear, SGD, Sequential } from '${dist}index.node.js';
    import { ImageDataset } from '${dist}data/index.node.js';
    import { TrainingWorker } from '${dist}worker/index.node.js';
    const worker = await TrainingWorker.start({ backend: 'wasm' });
    const model = new Sequential(new Flatten(), new Linear(784, 10));
    const data = (n) => new ImageDataset({
      images: new Uint8Array(784 * n).fill(1), labels: new Uint8Array(n), shape: [1, 28, 28] });
    const fit = (train, epochs) => worker.fit(model, train, { epochs, optimizer: new SGD() }).finish();`;

  function run(script: string): Promise<{ code: number | null; output: string }> {
    const args = ['--expose-gc', '--input-type=module', '-e', PREAMBLE + script];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve({ code, output: output.trim() }));
    });
  }

  it('ends by itself while the worker is idle', async () => {
    const outcome = await run(`await fit(data(100), 2); console.log('trained');`);
    expect(outcome).toEqual({ code: 0, output: 'trained' });
  });

  it('stays until a training has ended', async () => {
    const outcome = await run(`fit(data(5000), 3).then(() => console.log('trained'));`);
    expect(outcome).toEqual({ code: 0, output: 'trained' });
  });

  it('leaves in the middle of a training', async () => {
    const outcome = await run(`fit(data(100), 1e9);
      setTimeout(() => { console.log('leaving'); process.exit(7) }, 50);`);
    expect(outcome).toEqual({ code: 7, output: 'leaving' });
  });

  it('frees data sets that nobody refers to any more, there too', async () => {
    const { output } = await run(`
      const before = process.memoryUsage.rss();
      for (let i = 0; i < 20; i++) {
        await fit(data(60_000), 0);
        await new Promise((resolve) => setImmediate(resolve));
        gc();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      console.log(Math.round((process.memoryUsage.rss() - before) / 2 ** 20));`);
    expect(Number(output), 'MB after 20 data sets of 47 MB').toBeLessThan(400);
  });
});

function labels(count: number, value = 0): Uint8Array {
  return new Uint8Array(count).fill(value);
}
