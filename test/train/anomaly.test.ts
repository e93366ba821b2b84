import { describe, expect, it } from 'vitest';
import { ImageDataset } from '../../src/data/index.node.js';
import {
  BatchNorm2d,
  Conv2d,
  CrossEntropyLoss,
  Dropout,
  Flatten,
  type FitOptions,
  fit,
  Generator,
  Linear,
  MaxPool2d,
  Module,
  MSELoss,
  NumericError,
  ReLU,
  Sequential,
  SGD,
  type SymbolicTensor,
  toBytes,
  Trainer,
} from '../../src/index.node.js';
import { bars } from '../support.js';

const train = bars(110);
const floats = Float32Array.from(train.images as Uint8Array, (value) => value / 255);

class Net extends Module {
  cnn1: Conv2d;
  norm = new BatchNorm2d(6);
  relu = new ReLU();
  cnn2: Conv2d;
  pool = new MaxPool2d(2);
  flatten = new Flatten();
  dropout = new Dropout(0.2);
  fc: Linear;

  constructor(seed = 1) {
    super();
    const generator = new Generator(seed);
    this.cnn1 = new Conv2d(1, 6, 3, { padding: 1, generator });
    this.cnn2 = new Conv2d(6, 8, 3, { padding: 1, generator });
    this.fc = new Linear(8 * 16, 4, { generator });
  }

  forward(x: SymbolicTensor): SymbolicTensor {
    x = this.relu.forward(this.norm.forward(this.cnn1.forward(x)));
    x = this.pool.forward(this.relu.forward(this.cnn2.forward(x)));
    return this.fc.forward(this.dropout.forward(this.flatten.forward(x)));
  }
}

/** Sets one value of a parameter. */
function poke(
  parameter: { read(): Float32Array; write(values: Float32Array): void },
  at: number,
  value: number,
) {
  const values = parameter.read();
  values[at] = value;
  parameter.write(values);
}

function images(at: number, value: number): ImageDataset {
  const changed = floats.slice();
  changed[at] = value;
  return new ImageDataset({ images: changed, labels: train.labels, shape: train.shape });
}

const options = (more: Partial<FitOptions> = {}): FitOptions => ({
  optimizer: new SGD({ lr: 0.05 }),
  batchSize: 30,
  ...more,
});

async function failure(promise: Promise<unknown>): Promise<NumericError> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(NumericError);
  return error as NumericError;
}

describe.each([false, true])('with detectAnomaly %s, fit names', (detectAnomaly) => {
  const became = (what: string) => (detectAnomaly ? '' : `the loss became ${what} in `);

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('the image that holds %s', async (value) => {
    const [model, kept] = [new Net(), [] as Uint8Array[]];
    const before: Uint8Array[] = [];
    const error = await failure(
      fit(model, images(64 * 75 + 3, value), {
        ...options({ detectAnomaly, shuffle: false }),
        checkpoint: { to: (bytes) => void kept.push(bytes), every: 1 },
        onBatch: () => void before.push(toBytes(model)),
      }).finish(),
    );
    expect(error.message).toBe(
      `[fit] ${became('NaN')}epoch 1, batch 3 of 4 (lr 0.05): image 15 of the batch holds ${value} ` +
        '(75 of the data set); the weights are those of the batch before',
    );
    expect(error).toMatchObject({ origin: 'images', layer: undefined });
    expect(toBytes(model)).toEqual(before.at(-1));
    expect(kept.length).toBe(2);
  });

  it('its number in the data set where that is shuffled', async () => {
    const error = await failure(
      fit(
        new Net(),
        images(64 * 75, Number.NaN),
        options({ detectAnomaly, shuffle: true, seed: 5 }),
      ).finish(),
    );
    expect(error.message).toContain('(75 of the data set)');
  });

  it('the layer whose weight is not finite', async () => {
    const model = new Net();
    poke(model.cnn2.weight, 17, Number.POSITIVE_INFINITY);
    const before = toBytes(model);
    const error = await failure(fit(model, train, options({ detectAnomaly })).finish());
    expect(error.message).toContain('value 17 of the weight of conv2d cnn2 is Infinity before the step');
    expect(error).toMatchObject({ origin: 'weights', layer: 'conv2d cnn2' });
    expect(toBytes(model)).toEqual(before);
  });

  it('the layer whose output overflows', async () => {
    const model = new Net();
    model.fc.weight.write(model.fc.weight.read().fill(3e38));
    const error = await failure(fit(model, train, options({ detectAnomaly })).finish());
    expect(error.message).toMatch(
      /the forward pass of linear fc is the first to give Infinity, for image \d+/,
    );
    expect(error.message).toMatch(/try a lower learning rate, or clipGradNorm$/);
    expect(error).toMatchObject({ origin: 'forward', layer: 'linear fc' });
  });

  it('the target, or the loss, where values are compared', async () => {
    const targets = (value: number) => {
      const values = new Float32Array(110 * 4);
      values[4 * 45 + 1] = value;
      return new ImageDataset({ images: floats, targets: values, targetShape: [4], shape: train.shape });
    };
    const run = (value: number) =>
      failure(fit(new Net(), targets(value), options({ detectAnomaly, loss: new MSELoss() })).finish());
    const nan = await run(Number.NaN);
    expect(nan.message).toContain('the target of image 15 of the batch holds NaN (45 of the data set)');
    expect(nan.origin).toBe('targets');
    const large = await run(1e30);
    expect(large.message).toContain('mse_loss gives Infinity for image 15 of the batch, of finite outputs');
    expect(large.origin).toBe('loss');
  });

  it('labels none of which counts', async () => {
    const loss = new CrossEntropyLoss({ ignoreIndex: 2 });
    const ignored = new ImageDataset({
      images: train.images,
      labels: new Uint8Array(110).fill(2),
      shape: train.shape,
    });
    const error = await failure(fit(new Net(), ignored, options({ detectAnomaly, loss })).finish());
    expect(error.message).toContain('no label of the batch counts, all are ignored or weigh 0');
    expect(error.origin).toBe('targets');
  });

  it('the layer of a training that diverges, and keeps no checkpoint of it', async () => {
    const model = new Net();
    const kept: Uint8Array[] = [];
    const error = await failure(
      fit(model, train, {
        ...options({ detectAnomaly, epochs: 5, optimizer: new SGD({ lr: 1e15 }) }),
        checkpoint: { to: (bytes) => void kept.push(bytes), every: 1 },
      }).finish(),
    );
    expect(error.layer ?? error.message).toMatch(/cnn|norm|fc|cross_entropy/);
    expect(['forward', 'backward', 'loss']).toContain(error.origin);
    for (const bytes of kept)
      new Trainer(model, { inputShape: train.shape, optimizer: new SGD() }).restore(bytes);
    expect(model.parameters().every((one) => one.read().every(Number.isFinite))).toBe(true);
  });
});

describe('a trainer with detectAnomaly', () => {
  const part = train.subset(0, 20);
  const trainerOf = (model: Module, detectAnomaly: boolean) =>
    new Trainer(model, {
      inputShape: train.shape,
      optimizer: new SGD({ lr: 0.1, momentum: 0.9 }),
      batchSize: 20,
      detectAnomaly,
    });

  it('trains to the bits of one without', async () => {
    const [plain, watched] = [new Net(), new Net()];
    const [a, b] = [trainerOf(plain, false), trainerOf(watched, true)];
    for (let step = 0; step < 4; step++) {
      a.stepSync(part.images, part.labels);
      await b.step(part.images, part.labels);
    }
    expect(b.checkpoint()).toEqual(a.checkpoint());
  });

  /** Linear layers whose first has only zeros: scores are 0 whatever the others are, the gradients are not. */
  const steep = (scale: number) => {
    const sizes = [64, 5, 5, 4];
    const layers = [1, 2, 3].map((at) => new Linear(sizes[at - 1]!, sizes[at]!, { bias: false }));
    const model = new Sequential(new Flatten(), ...layers);
    const [first, ...others] = layers;
    first!.weight.write(new Float32Array(first!.weight.size));
    for (const { weight } of others)
      weight.write(Float32Array.from(weight.read(), (_, at) => scale * ((at % 7) - 3)));
    return model;
  };

  it('finds the layer whose gradients overflow where the loss is finite, and goes on afterwards', async () => {
    const model = steep(1e25);
    const trainer = trainerOf(model, true);
    const before = toBytes(model);
    const error = await failure(trainer.step(part.images, part.labels));
    expect(error.message).toMatch(
      /^\[Trainer\.step\] the backward pass of linear 2 is the first to give (-?Infinity|NaN) in the gradient of its input, for image \d+ of the batch: the step was not taken$/,
    );
    expect(error).toMatchObject({ origin: 'backward', layer: 'linear 2' });
    expect(toBytes(model)).toEqual(before);
    expect(trainer.steps).toBe(0);
    const sound = steep(1);
    model.loadStateDict(sound.stateDict());
    const plain = trainerOf(sound, false);
    for (const one of [trainer, plain]) one.stepSync(part.images, part.labels);
    expect(trainer.checkpoint()).toEqual(plain.checkpoint());
  });

  it('finds the gradient of a weight that overflows', async () => {
    const error = await failure(
      trainerOf(steep(1e18), true).step(new Float32Array(64 * 20).fill(1e4), part.labels),
    );
    expect(error.message).toMatch(
      /linear 1 is the first to give -?(Infinity|NaN),? in the gradient of its weight/,
    );
  });

  it('leaves those that were updated with such gradients to be found at the next step', async () => {
    const model = steep(1e25);
    const broken = new ImageDataset({ images: train.images, labels: train.labels, shape: train.shape });
    const kept: Uint8Array[] = [];
    const checkpoint = { to: (bytes: Uint8Array) => void kept.push(bytes), every: 2 };
    const error = await failure(fit(model, broken, { ...options(), checkpoint }).finish());
    expect(error.message).toMatch(
      /epoch 1, batch 2 of 4 .*the weight of linear 1 is .* before the step; .* detectAnomaly finds the step that made it so$/,
    );
    expect(error.origin).toBe('weights');
    expect(kept).toEqual([]);
  });
});
