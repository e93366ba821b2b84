import type { SymbolicTensor } from '../graph/graph.js';
import { AdaptiveAvgPool2d } from '../nn/avg_pool2d.js';
import { BatchNorm2d } from '../nn/batch_norm.js';
import { Conv2d } from '../nn/conv2d.js';
import { Flatten } from '../nn/flatten.js';
import { Linear } from '../nn/linear.js';
import { MaxPool2d } from '../nn/max_pool2d.js';
import { Module } from '../nn/module.js';
import { ReLU } from '../nn/relu.js';
import { Sequential } from '../nn/sequential.js';

/** A small network that people train, with ten classes; bench/peers/pytorch.py has the same ones. */
export interface Network {
  readonly name: string;
  /** C, H, W. */
  readonly shape: readonly [number, number, number];
  model(): Module;
}

/** So low that thousands of steps on one batch change little: what survives ReLU and pools stays as it was. */
export const NETWORK_RATE = 1e-5;

const GREY = [1, 28, 28] as const;
const COLOUR = [3, 32, 32] as const;

/** Convolution, normalisation and ReLU. */
function block(IC: number, OC: number, kernel = 3, stride = 1, groups = 1): Module[] {
  const padding = (kernel - 1) / 2;
  return [
    new Conv2d(IC, OC, kernel, { stride, padding, groups, bias: false }),
    new BatchNorm2d(OC),
    new ReLU(),
  ];
}

/** A 3x3 convolution of each channel by itself, and one of 1x1 that mixes them. */
const separable = (IC: number, OC: number, stride: number) => [
  ...block(IC, IC, 3, stride, IC),
  ...block(IC, OC, 1),
];

class Residual extends Module {
  readonly first: Sequential;
  readonly second: Sequential;
  readonly shortcut: Sequential | undefined;
  readonly relu = new ReLU();

  constructor(IC: number, OC: number, stride: number) {
    super();
    this.first = new Sequential(...block(IC, OC, 3, stride));
    this.second = new Sequential(...block(OC, OC).slice(0, 2));
    if (IC !== OC) this.shortcut = new Sequential(...block(IC, OC, 1, stride).slice(0, 2));
  }

  forward(x: SymbolicTensor): SymbolicTensor {
    const past = this.shortcut?.forward(x) ?? x;
    return this.relu.forward(this.second.forward(this.first.forward(x)).add(past));
  }
}

/** Keras' is its first example, mnist_cnn, but for the dropout, which is random. */
export const NETWORKS: readonly Network[] = [
  {
    name: 'LeNet-5 with ReLU',
    shape: GREY,
    model: () =>
      new Sequential(
        new Conv2d(1, 6, 5, { padding: 2 }),
        new ReLU(),
        new MaxPool2d(2),
        new Conv2d(6, 16, 5),
        new ReLU(),
        new MaxPool2d(2),
        new Flatten(),
        new Linear(400, 120),
        new ReLU(),
        new Linear(120, 84),
        new ReLU(),
        new Linear(84, 10),
      ),
  },
  {
    name: "Keras' MNIST CNN",
    shape: GREY,
    model: () =>
      new Sequential(
        new Conv2d(1, 32, 3),
        new ReLU(),
        new Conv2d(32, 64, 3),
        new ReLU(),
        new MaxPool2d(2),
        new Flatten(),
        new Linear(9216, 128),
        new ReLU(),
        new Linear(128, 10),
      ),
  },
  {
    name: '784-512-512-10 MLP',
    shape: GREY,
    model: () =>
      new Sequential(
        new Flatten(),
        new Linear(784, 512),
        new ReLU(),
        new Linear(512, 512),
        new ReLU(),
        new Linear(512, 10),
      ),
  },
  {
    name: 'VGG of 6 normalised layers',
    shape: COLOUR,
    model: () =>
      new Sequential(
        ...[...block(3, 32), ...block(32, 32), new MaxPool2d(2)],
        ...[...block(32, 64), ...block(64, 64), new MaxPool2d(2)],
        ...[...block(64, 128), ...block(128, 128), new MaxPool2d(2)],
        new Flatten(),
        new Linear(2048, 10),
      ),
  },
  {
    name: 'ResNet-8',
    shape: COLOUR,
    model: () =>
      new Sequential(
        ...block(3, 16),
        ...[new Residual(16, 16, 1), new Residual(16, 32, 2), new Residual(32, 64, 2)],
        ...[new AdaptiveAvgPool2d(1), new Flatten(), new Linear(64, 10)],
      ),
  },
  {
    name: 'MobileNet of 4 separable layers',
    shape: COLOUR,
    model: () =>
      new Sequential(
        ...[...block(3, 32), ...separable(32, 64, 1), ...separable(64, 128, 2)],
        ...[...separable(128, 128, 1), ...separable(128, 256, 2)],
        ...[new AdaptiveAvgPool2d(1), new Flatten(), new Linear(256, 10)],
      ),
  },
];

/**
 * Images, labels and weights that anybody can make up anew: fractions of multiples of a constant. Weights have the
 * variance that He et al. advise (2015), 2 / fan-in; biases are 0.
 */
export function madeUp(network: Network, batch: number) {
  const floats = network.shape.reduce((a, b) => a * b);
  const model = network.model();
  let stream = 0;
  for (const [, parameter] of model.namedParameters()) {
    const [OUT, ...rest] = parameter.shape as [number, ...number[]];
    if (rest.length === 0) {
      // Normalisations' weights stay 1.
      if (parameter.read().some((value) => value !== 1)) parameter.write(new Float32Array(OUT));
      continue;
    }
    const reach = Math.sqrt(6 / rest.reduce((a, b) => a * b));
    const draw = fractions(++stream);
    parameter.write(Float32Array.from({ length: parameter.size }, (_, i) => reach * (2 * draw(i) - 1)));
  }
  const draw = fractions(0);
  return {
    model,
    images: Float32Array.from({ length: batch * floats }, (_, i) => draw(i)),
    labels: Int32Array.from({ length: batch }, (_, i) => i % 10),
  };
}

/** The i-th number of a stream in [0, 1): that of i times the golden ratio's, and of the stream times another's. */
function fractions(stream: number): (i: number) => number {
  return (i) => (i * 0.6180339887498949 + i * i * 1e-3 + stream * 0.4142135623730951) % 1;
}
