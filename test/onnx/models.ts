import {
  AdaptiveAvgPool2d,
  AvgPool2d,
  BatchNorm1d,
  BatchNorm2d,
  ConstantPad2d,
  Conv2d,
  ConvTranspose2d,
  Dropout,
  ELU,
  Flatten,
  GELU,
  Generator,
  GroupNorm,
  Hardsigmoid,
  Hardswish,
  Hardtanh,
  InstanceNorm2d,
  LayerNorm,
  LeakyReLU,
  LogSoftmax,
  Linear,
  MaxPool2d,
  Module,
  ReflectionPad2d,
  ReLU,
  ReLU6,
  ReplicationPad2d,
  Sequential,
  Sigmoid,
  SiLU,
  Softmax,
  type SymbolicTensor,
  Tanh,
  ZeroPad2d,
} from '../../src/index.node.js';
import { ArticleCnn } from '../../src/recipes/article.js';
import { NormalisedCnn } from '../../src/recipes/normalised.js';

export interface Case {
  readonly name: string;
  readonly shape: readonly number[];
  readonly make: () => Module;
}

class Residual extends Module {
  stem = new Conv2d(3, 4, 3, { padding: 1 });
  conv = new Conv2d(4, 4, 3, { padding: 1, bias: false });
  norm = new BatchNorm2d(4);
  relu = new ReLU();
  head = new Linear(4 * 6 * 5, 3);

  forward(x: SymbolicTensor): SymbolicTensor {
    const stem = this.stem.forward(x);
    return this.head.forward(
      this.relu.forward(this.norm.forward(this.conv.forward(stem)).add(stem)).flatten(),
    );
  }
}

/** Squeeze and excitation, and a product of two tensors of one shape. */
class Gated extends Module {
  stem = new Conv2d(3, 8, 3, { padding: 1 });
  squeeze = new Conv2d(8, 2, 1);
  excite = new Conv2d(2, 8, 1);
  right = new Conv2d(3, 8, 1);

  forward(x: SymbolicTensor): SymbolicTensor {
    const stem = this.stem.forward(x);
    const squeezed = new ReLU().forward(this.squeeze.forward(new AdaptiveAvgPool2d(1).forward(stem)));
    const gate = new Hardsigmoid().forward(this.excite.forward(squeezed));
    return gate.mul(stem.mul(this.right.forward(x)));
  }
}

/** One module applied twice: its weights are in the file once. */
class Shared extends Module {
  conv = new Conv2d(2, 2, 3, { padding: 1 });

  forward(x: SymbolicTensor): SymbolicTensor {
    return this.conv.forward(this.conv.forward(x));
  }
}

/** Concatenated branches, and features that become images again. */
class Branches extends Module {
  left = new Conv2d(2, 3, 1);
  right = new Conv2d(2, 1, 1);
  fc = new Linear(48, 12);
  last = new Conv2d(3, 2, 1);

  forward(x: SymbolicTensor): SymbolicTensor {
    const both = this.left.forward(x).concat(this.right.forward(x));
    const image = this.fc.forward(both.flatten()).reshape([3, 2, 2]);
    return this.last.forward(image).reshape([4, 1, 2]);
  }
}

class Same extends Module {
  forward(x: SymbolicTensor): SymbolicTensor {
    return x;
  }
}

const ofModules =
  (...modules: (() => Module)[]) =>
  () =>
    new Sequential(...modules.map((make) => make()));

/** Networks that together have every op with every attribute. */
export const CASES: readonly Case[] = [
  { name: 'the article', shape: [1, 28, 28], make: () => new ArticleCnn() },
  { name: 'the article, normalised', shape: [1, 28, 28], make: () => new NormalisedCnn(3) },
  { name: 'a residual block', shape: [3, 6, 5], make: () => new Residual() },
  { name: 'one module twice', shape: [2, 4, 4], make: () => new Shared() },
  { name: 'nothing', shape: [2, 3, 4], make: () => new Same() },
  {
    name: 'strides, dilation and groups',
    shape: [4, 13, 11],
    make: ofModules(
      () =>
        new Conv2d(4, 6, [3, 2], {
          stride: [2, 1],
          padding: [1, 2],
          dilation: [1, 2],
          groups: 2,
          bias: false,
        }),
      () => new Conv2d(6, 6, 3, { groups: 6 }),
      () => new Flatten(),
      () => new Linear(6 * 5 * 11, 3, { bias: false }),
    ),
  },
  ...[
    { size: [7, 9], options: { ceilMode: true } },
    { size: [5, 6], options: { stride: 3, padding: 1, ceilMode: true } },
    { size: [8, 9], options: { stride: [1, 2], padding: [1, 0], dilation: [1, 2] } },
    // Its last window would start in the padding.
    { size: [4, 6], options: { stride: 3, padding: 1, ceilMode: true }, kernel: 2 },
  ].map(({ size, options, kernel = 3 }) => ({
    name: `a pool of ${kernel} ${JSON.stringify(options)}`,
    shape: [2, ...size],
    make: ofModules(() => new MaxPool2d(kernel, options as object)),
  })),
  {
    name: 'normalisations without weights',
    shape: [3, 4, 5],
    make: ofModules(
      () => new BatchNorm2d(3, { affine: false, eps: 0.01, momentum: 0.25 }),
      () => new Flatten(),
      () => new BatchNorm1d(60, { momentum: null }),
    ),
  },
  ...[
    { ceilMode: true },
    { stride: 2, padding: 1, countIncludePad: false, ceilMode: true },
    { stride: 2, padding: 1, ceilMode: true },
    { stride: [1, 2], padding: [1, 0], countIncludePad: false },
    { stride: 3, padding: 1, divisorOverride: 5, ceilMode: true },
    { padding: 1 },
  ].map((options) => ({
    name: `a mean of 3 ${JSON.stringify(options)}`,
    shape: [2, 7, 8],
    make: ofModules(() => new AvgPool2d(3, options as object)),
  })),
  ...[1, [2, 3], [null, 1], [4, 5]].map((size) => ({
    name: `an adaptive mean of ${JSON.stringify(size)}`,
    shape: [2, 6, 9],
    make: ofModules(() => new AdaptiveAvgPool2d(size as 1)),
  })),
  {
    name: 'activations',
    shape: [2, 3, 4],
    make: ofModules(
      () => new LeakyReLU(0.2),
      () => new SiLU(),
      () => new GELU(),
      () => new Tanh(),
      () => new GELU({ approximate: 'tanh' }),
      () => new Sigmoid(),
      () => new Dropout(0.5),
      () => new Softmax(1),
      () => new LogSoftmax(1),
    ),
  },
  {
    name: 'activations that are cut off',
    shape: [2, 3, 4],
    make: ofModules(
      () => new Conv2d(2, 3, 1),
      () => new ReLU6(),
      () => new Conv2d(3, 4, 1),
      () => new Hardswish(),
      () => new Conv2d(4, 4, 1),
      () => new ELU(),
      () => new ELU(0.3),
      () => new Hardtanh(-0.2, 0.25),
      () => new Hardtanh(Number.NEGATIVE_INFINITY, 0.125),
      () => new Hardtanh(-0.1, Number.POSITIVE_INFINITY),
      () => new Hardsigmoid(),
      () => new Hardsigmoid({ zeroAt: -2.5, oneAt: 2.5 }),
      () => new Hardsigmoid({ zeroAt: 0.5, oneAt: 0.625 }),
    ),
  },
  { name: 'squeeze and excitation', shape: [3, 6, 5], make: () => new Gated() },
  {
    name: 'normalisations of one image',
    shape: [4, 5, 3],
    make: ofModules(
      () => new GroupNorm(2, 4),
      () => new InstanceNorm2d(4, { affine: true, eps: 1e-3 }),
      () => new LayerNorm([4, 5, 3], { eps: 1e-4 }),
      () => new Flatten(),
      () => new LayerNorm(60),
    ),
  },
  ...[
    new ZeroPad2d([1, 2, 0, 3]),
    new ConstantPad2d([-1, 2, 1, -1], 0.5),
    new ReflectionPad2d(2),
    new ReplicationPad2d([1, 0, 0, 2]),
  ].map((pad) => ({ name: `${pad.constructor.name}`, shape: [2, 4, 5], make: ofModules(() => pad) })),
  {
    name: 'a transposed convolution',
    shape: [4, 5, 3],
    make: ofModules(
      () => new ConvTranspose2d(4, 6, [3, 2], { stride: 2, padding: 1, outputPadding: [1, 0], groups: 2 }),
      () => new ConvTranspose2d(6, 2, 2, { dilation: 2, bias: false }),
      () => new ConvTranspose2d(2, 3, 2, { stride: [1, 2], dilation: [3, 4], outputPadding: [2, 3] }),
    ),
  },
  { name: 'branches, shapes', shape: [2, 4, 3], make: () => new Branches() },
  {
    name: 'features alone',
    shape: [7],
    make: ofModules(
      () => new Linear(7, 5),
      () => new ReLU(),
      () => new Linear(5, 2),
    ),
  },
];

/** A model of a case whose running statistics and weights are all drawn, none 0 or 1. */
export function drawn({ make }: Case): Module {
  const model = make();
  const generator = new Generator(5);
  for (const [name, one] of [...model.namedParameters(), ...model.namedBuffers()]) {
    if (name.endsWith('num_batches_tracked')) continue;
    const low = /running_var|norm\.weight|bn\d\.weight/.test(name) ? 0.5 : -0.4;
    one.write(Float32Array.from({ length: one.size }, () => generator.uniform(low, low + 0.9)));
  }
  return model;
}

export function floats(count: number, seed = 3): Float32Array {
  const generator = new Generator(seed);
  return Float32Array.from({ length: count }, () => generator.uniform(-1, 1));
}

export const sizeOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);
