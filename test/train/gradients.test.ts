import { describe, expect, it } from 'vitest';
import {
  AdaptiveAvgPool2d,
  AvgPool2d,
  BatchNorm1d,
  BatchNorm2d,
  Conv2d,
  ConvTranspose2d,
  ELU,
  Flatten,
  GELU,
  Generator,
  Hardsigmoid,
  Hardswish,
  Hardtanh,
  LeakyReLU,
  GroupNorm,
  InstanceNorm2d,
  LayerNorm,
  Linear,
  loadBackend,
  MaxPool2d,
  Module,
  ReflectionPad2d,
  ReLU,
  ReLU6,
  ReplicationPad2d,
  Sequential,
  type SymbolicTensor,
  SGD,
  Sigmoid,
  SiLU,
  Tanh,
  Trainer,
  Unflatten,
  ZeroPad2d,
} from '../../src/index.node.js';
import { trainingNeeds } from '../../src/nn/summary.js';
import { expectWithin } from '../reference/closeness.js';
import { bars, weightsOf } from '../support.js';

/** Networks that take every path: fused and not, strided, dilated, grouped, overlapping pools, odd channels. */
const NETWORKS: Record<string, (generator: Generator) => Module> = {
  'conv, ReLU, pool': (generator) =>
    new Sequential(
      new Conv2d(1, 5, 3, { padding: 1, generator }),
      new ReLU(),
      new MaxPool2d(2),
      new Conv2d(5, 7, 3, { padding: 1, generator }),
      new ReLU(),
      new MaxPool2d(2),
      new Flatten(),
      new Linear(7 * 2 * 2, 4, { generator }),
    ),
  'pool before ReLU, no bias, overlapping pool': (generator) =>
    new Sequential(
      new Conv2d(1, 16, 5, { padding: 2, bias: false, generator }),
      new MaxPool2d(2),
      new ReLU(),
      new Conv2d(16, 17, 3, { padding: 1, generator }),
      new MaxPool2d(3, { stride: 1, padding: 1 }),
      new Flatten(),
      new Linear(17 * 4 * 4, 4, { generator }),
    ),
  'stride, dilation, groups': (generator) =>
    new Sequential(
      new Conv2d(1, 6, 3, { stride: 2, padding: 1, generator }),
      new ReLU(),
      new Conv2d(6, 12, 3, { groups: 3, padding: 2, dilation: 2, generator }),
      new ReLU(),
      new Conv2d(12, 12, [1, 3], { groups: 12, generator }),
      new Flatten(),
      new Linear(12 * 4 * 2, 4, { generator }),
    ),
  'batch normalisation, before ReLU and pool and at the last layer': (generator) =>
    new Sequential(
      new Conv2d(1, 5, 3, { padding: 1, bias: false, generator }),
      new BatchNorm2d(5),
      new ReLU(),
      new MaxPool2d(3),
      new Conv2d(5, 18, 3, { padding: 1, generator }),
      new BatchNorm2d(18),
      new ReLU(),
      new Conv2d(18, 3, 1, { generator }),
      new BatchNorm2d(3, { affine: false }),
      new MaxPool2d(2),
      new Flatten(),
      new BatchNorm1d(3),
      new Linear(3, 4, { generator }),
      new BatchNorm1d(4),
    ),
  'batch normalisation that stays as it is': (generator) => {
    const norm = new BatchNorm2d(6);
    norm.running_mean.write(Float32Array.from({ length: 6 }, () => generator.uniform(-1, 1)));
    norm.running_var.write(Float32Array.from({ length: 6 }, () => generator.uniform(0.5, 2)));
    const conv = new Conv2d(1, 6, 3, { padding: 1, generator });
    return new Sequential(
      conv,
      norm.eval(),
      new ReLU(),
      new Flatten(),
      new Linear(6 * 8 * 8, 4, { generator }),
    );
  },
  'every activation': (generator) =>
    new Sequential(
      new Conv2d(1, 5, 3, { padding: 1, generator }),
      new GELU(),
      new Conv2d(5, 6, 3, { padding: 1, generator }),
      new SiLU(),
      new MaxPool2d(2),
      new Conv2d(6, 17, 3, { padding: 1, generator }),
      new LeakyReLU(0.2),
      new Flatten(),
      new Tanh(),
      new Linear(17 * 4 * 4, 9, { generator }),
      new Sigmoid(),
      new Linear(9, 9, { generator }),
      new GELU({ approximate: 'tanh' }),
      new Linear(9, 4, { generator }),
    ),
  'activations that are cut off': (generator) =>
    new Sequential(
      new Conv2d(1, 5, 3, { padding: 1, generator }),
      new ReLU6(),
      new Conv2d(5, 6, 3, { padding: 1, generator }),
      new Hardswish(),
      new MaxPool2d(2),
      new Conv2d(6, 17, 3, { padding: 1, generator }),
      new ELU(0.7),
      new Flatten(),
      new Hardtanh(-0.4, 0.3),
      new Linear(17 * 4 * 4, 9, { generator }),
      new Hardsigmoid(),
      new Linear(9, 4, { generator }),
    ),
  'a convolution used twice': (generator) => new Shared(generator),
  'squeeze and excitation, and products': (generator) => new Gated(generator),
  'residual blocks': (generator) => new Residual(generator),
  'padding and average pools': (generator) =>
    new Sequential(
      new ReflectionPad2d([2, 1, 0, 3]),
      new Conv2d(1, 5, 3, { generator }),
      new AvgPool2d(3, { stride: 2, padding: 1, countIncludePad: false }),
      new ReplicationPad2d(1),
      new Conv2d(5, 18, 3, { generator }),
      new ZeroPad2d([-1, 2, 0, 1]),
      new ReLU(),
      new AdaptiveAvgPool2d([3, 2]),
      new Flatten(),
      new Linear(18 * 3 * 2, 4, { generator }),
    ),
  'no linear layer: the mean of each channel is a score': (generator) =>
    new Sequential(
      new Conv2d(1, 6, 3, { generator }),
      new ReLU(),
      new Conv2d(6, 4, 3, { generator }),
      new AdaptiveAvgPool2d(1),
      new Flatten(),
    ),
  'normalisations of images by themselves': (generator) =>
    new Sequential(
      new Conv2d(1, 12, 3, { generator }),
      new GroupNorm(3, 12),
      new ReLU(),
      new Conv2d(12, 6, 3, { generator }),
      new LayerNorm([6, 4, 4]),
      new Conv2d(6, 6, 1, { generator }),
      new InstanceNorm2d(6, { affine: true }),
      new ReLU(),
      new Flatten(),
      new LayerNorm(6 * 4 * 4),
      new Linear(6 * 4 * 4, 8, { generator }),
      new GroupNorm(2, 8),
      new Linear(8, 4, { generator }),
    ),
  'transposed convolutions': (generator) =>
    new Sequential(
      new Conv2d(1, 6, 3, { stride: 2, generator }),
      new ConvTranspose2d(6, 17, 3, { dilation: 2, bias: false, generator }),
      new ReLU(),
      new ConvTranspose2d(17, 3, [2, 3], { stride: [3, 1], padding: 1, outputPadding: [2, 0], generator }),
      new ReLU(),
      new Flatten(),
      new Linear(3 * 20 * 7, 4, { generator }),
    ),
  'linear layers of many weights, one of them used twice': (generator) => new Dense(generator),
  'down to features, up again, and beside what was there before': (generator) => new Hourglass(generator),
};

/** One convolution applied twice, once before a pool: its two gradients have to be added. */
class Shared extends Module {
  readonly first: Conv2d;
  readonly twice: Conv2d;
  readonly head: Linear;

  constructor(generator: Generator) {
    super();
    this.first = new Conv2d(1, 6, 3, { padding: 1, generator });
    this.twice = new Conv2d(6, 6, 3, { padding: 1, generator });
    this.head = new Linear(6 * 4 * 4, 4, { generator });
  }

  forward(x: SymbolicTensor): SymbolicTensor {
    const relu = new ReLU();
    const once = relu.forward(this.twice.forward(relu.forward(this.first.forward(x))));
    return this.head.forward(new MaxPool2d(2).forward(relu.forward(this.twice.forward(once))).flatten());
  }
}

/** Linear layers that are cut into panels, one right after another, and one whose two gradients have to be added. */
class Dense extends Module {
  readonly first: Linear;
  readonly second: Linear;
  readonly twice: Linear;
  readonly head: Linear;

  constructor(generator: Generator) {
    super();
    this.first = new Linear(64, 520, { generator });
    this.second = new Linear(520, 190, { bias: false, generator });
    this.twice = new Linear(190, 190, { generator });
    this.head = new Linear(190, 4, { generator });
  }

  forward(x: SymbolicTensor): SymbolicTensor {
    const once = this.twice.forward(this.second.forward(this.first.forward(x.flatten())));
    return this.head.forward(this.twice.forward(new Tanh().forward(once)));
  }
}

/** Channels times gates made of their means; products of images with themselves, and of features with others. */
class Gated extends Module {
  readonly stem: Conv2d;
  readonly squeeze: Linear;
  readonly excite: Linear;
  readonly head: Linear;

  constructor(generator: Generator) {
    super();
    this.stem = new Conv2d(1, 18, 3, { padding: 1, generator });
    this.squeeze = new Linear(18, 5, { generator });
    this.excite = new Linear(5, 18, { generator });
    this.head = new Linear(18 * 8 * 8, 4, { generator });
  }

  forward(x: SymbolicTensor): SymbolicTensor {
    const stem = this.stem.forward(x);
    const mean = new AdaptiveAvgPool2d(1).forward(stem).flatten();
    const squeezed = this.squeeze.forward(mean);
    const gate = new Sigmoid().forward(this.excite.forward(squeezed.mul(new Tanh().forward(squeezed))));
    const gated = gate.reshape([18, 1, 1]).mul(stem);
    return this.head.forward(gated.mul(gated).add(stem).flatten());
  }
}

/** Sums with and without a ReLU behind, of tensors that others read too, and of one tensor with itself. */
class Residual extends Module {
  readonly first: Conv2d;
  readonly second: Conv2d;
  readonly third: Conv2d;
  readonly head: Linear;
  readonly again: Linear;

  constructor(generator: Generator) {
    super();
    this.first = new Conv2d(1, 6, 3, { padding: 1, generator });
    this.second = new Conv2d(6, 6, 3, { padding: 1, generator });
    this.third = new Conv2d(6, 6, 1, { generator });
    this.head = new Linear(6 * 8 * 8, 4, { generator });
    this.again = new Linear(4, 4, { generator });
  }

  forward(x: SymbolicTensor): SymbolicTensor {
    const relu = new ReLU();
    const stem = relu.forward(this.first.forward(x));
    const block = relu.forward(this.second.forward(stem).add(stem));
    const sum = block.add(this.third.forward(block)).add(stem);
    const scores = this.head.forward(sum.flatten());
    return this.again.forward(scores.add(scores)).add(scores);
  }
}

/** A bottleneck of features, reshaped, enlarged by transposed convolutions and joined with what went into it. */
class Hourglass extends Module {
  readonly stem: Conv2d;
  readonly down: Linear;
  readonly up: Linear;
  readonly unflatten = new Unflatten(1, [6, 2, 4]);
  readonly larger: ConvTranspose2d;
  readonly wide: ConvTranspose2d;
  readonly head: Linear;

  constructor(generator: Generator) {
    super();
    this.stem = new Conv2d(1, 6, 4, { stride: 2, padding: 1, generator });
    this.down = new Linear(6 * 4 * 4, 10, { generator });
    this.up = new Linear(20, 48, { generator });
    this.larger = new ConvTranspose2d(6, 9, 3, {
      stride: [2, 1],
      padding: 1,
      outputPadding: [1, 0],
      groups: 3,
      generator,
    });
    this.wide = new ConvTranspose2d(27, 1, 2, { stride: 2, bias: false, generator });
    this.head = new Linear(64, 4, { generator });
  }

  forward(x: SymbolicTensor): SymbolicTensor {
    const relu = new ReLU();
    const stem = relu.forward(this.stem.forward(x));
    const narrow = this.down.forward(stem.flatten());
    const features = this.up.forward(narrow.concat(relu.forward(narrow)));
    const larger = relu.forward(this.larger.forward(this.unflatten.forward(features)));
    // The pixels of 6 x 4 x 4 again, in PyTorch's order, as 3 x 8 x 4 and back: both ways move values.
    const moved = stem.reshape([3, 8, 4]).reshape([6, 4, 4]);
    const joined = larger.concat(
      stem,
      moved.add(stem),
      moved.reshape([3, 8, 4]).reshape([-1]).reshape([6, 4, 4]),
    );
    return this.head.forward(this.wide.forward(joined).reshape([64]));
  }
}

const data = bars(12);
const step = { inputShape: data.shape, batchSize: data.length };

describe.each(Object.entries(NETWORKS))('%s', (_name, make) => {
  /** Gradients of all weights: what one step of SGD with lr 1 takes off them. */
  function gradients(fusion: boolean): Float32Array {
    const model = make(new Generator(3));
    const before = weightsOf(model);
    new Trainer(model, { ...step, optimizer: new SGD({ lr: 1 }), fusion }).stepSync(data.images, data.labels);
    return weightsOf(model).map((after, index) => before[index]! - after);
  }

  it('has the gradients that finite differences give', () => {
    const model = make(new Generator(3));
    const trainer = new Trainer(model, { ...step, optimizer: new SGD({ lr: 0 }) });
    const generator = new Generator(4);
    const gradient = gradients(true);
    const first = model.parameters().map((parameter) => parameter.read());
    for (let direction = 0; direction < 5; direction++) {
      const moves = first.map((values) => values.map(() => generator.uniform(-1, 1)));
      const lossAt = (distance: number) => {
        model.parameters().forEach((parameter, index) => {
          parameter.write(first[index]!.map((value, at) => value + distance * moves[index]![at]!));
        });
        return trainer.stepSync(data.images, data.labels).loss;
      };
      // Small enough that few maxima change places, large enough that float32 losses tell the two apart.
      const h = 5e-5;
      const measured = (lossAt(h) - lossAt(-h)) / (2 * h);
      let at = 0;
      const expected = moves
        .flatMap((move) => [...move])
        .reduce((sum, move) => sum + move * gradient[at++]!, 0);
      expect(Math.abs(measured - expected)).toBeLessThanOrEqual(0.01 * Math.abs(expected) + 2e-3);
    }
  });

  it('has the same gradients fused and unfused, within rounding', () => {
    const unfused = gradients(false);
    const largest = unfused.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    expectWithin(gradients(true), unfused, 2e-6 * Math.max(1, largest), 'gradients');
  });
});

it('are in memory once for a linear layer of many weights, not once a slice of the batch', async () => {
  const model = new Sequential(new Flatten(), new Linear(1024, 512), new ReLU(), new Linear(512, 10));
  const { parameters, program } = trainingNeeds(model.trace([1, 32, 32]), 100, await loadBackend());
  expect(program).toBeLessThan(2 * parameters);
});
