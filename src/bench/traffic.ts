import type { Backend } from '../backend/backend.js';
import {
  AdaptiveAvgPool2d,
  AvgPool2d,
  BatchNorm2d,
  Conv2d,
  Dropout,
  ELU,
  Flatten,
  GELU,
  GroupNorm,
  Hardswish,
  InstanceNorm2d,
  LayerNorm,
  LeakyReLU,
  MaxPool2d,
  Module,
  MSELoss,
  ReflectionPad2d,
  ReLU,
  ReLU6,
  Sequential,
  Sigmoid,
  SiLU,
  Softmax,
  Tanh,
  Trainer,
  type SymbolicTensor,
  ZeroPad2d,
} from '../index.js';
import { SGD } from '../optim/sgd.js';
import { recording, singleCalls, type SingleCall } from './calls.js';

/** Images of `CHANNELS` x `SIZE` x `SIZE` that a layer is measured on: 200 kB, which stay in a level-2 cache. */
export const IMAGES = 8;
const CHANNELS = 32;
const SIZE = 14;
export const TENSOR_BYTES = IMAGES * CHANNELS * SIZE * SIZE * Float32Array.BYTES_PER_ELEMENT;

class Residual extends Module {
  forward(x: SymbolicTensor): SymbolicTensor {
    return x.add(x);
  }
}

class Square extends Module {
  forward(x: SymbolicTensor): SymbolicTensor {
    return x.mul(x);
  }
}

/** Layers that do little with what they read and write. */
const MOVERS: readonly (readonly [name: string, make: () => Module])[] = [
  ['ReLU', () => new ReLU()],
  ['LeakyReLU', () => new LeakyReLU()],
  ['ReLU6', () => new ReLU6()],
  ['Hardswish', () => new Hardswish()],
  ['ELU', () => new ELU()],
  ['Sigmoid', () => new Sigmoid()],
  ['Tanh', () => new Tanh()],
  ['SiLU', () => new SiLU()],
  ['GELU', () => new GELU()],
  ['Softmax', () => new Softmax(1)],
  ['Dropout', () => new Dropout(0.3)],
  ['BatchNorm2d', () => new BatchNorm2d(CHANNELS)],
  ['GroupNorm of 4', () => new GroupNorm(4, CHANNELS)],
  ['LayerNorm', () => new LayerNorm([CHANNELS, SIZE, SIZE])],
  ['InstanceNorm2d', () => new InstanceNorm2d(CHANNELS)],
  ['MaxPool2d 2', () => new MaxPool2d(2)],
  ['MaxPool2d 3 stride 2', () => new MaxPool2d(3, { stride: 2, padding: 1 })],
  ['AvgPool2d 2', () => new AvgPool2d(2)],
  ['AvgPool2d 3 stride 1', () => new AvgPool2d(3, { stride: 1, padding: 1 })],
  ['AdaptiveAvgPool2d 1', () => new AdaptiveAvgPool2d(1)],
  ['ZeroPad2d', () => new ZeroPad2d(1)],
  ['ReflectionPad2d', () => new ReflectionPad2d(1)],
  ['add', () => new Residual()],
  ['mul', () => new Square()],
];

/** One of a layer's kernels, with what it moves. */
export interface Mover extends SingleCall {
  readonly layer: string;
}

/** The calls of a step through a network that has `layers` between a convolution and the loss. */
function callsThrough(backend: Backend, ...layers: Module[]): SingleCall[] {
  const recorder = recording(backend);
  // The convolution is there for its parameters: without any before it a layer has no gradient to compute.
  const model = new Sequential(
    new Conv2d(CHANNELS, CHANNELS, 1, { groups: CHANNELS }),
    ...layers,
    new Flatten(),
  );
  const trainer = new Trainer(model, {
    inputShape: [CHANNELS, SIZE, SIZE],
    optimizer: new SGD({ lr: 0 }),
    loss: new MSELoss(),
    batchSize: IMAGES,
    backend: recorder.backend,
    fusion: false,
  });
  const images = Float32Array.from({ length: TENSOR_BYTES / 4 }, (_, i) => Math.sin(i * i));
  trainer.stepSync(images, new Float32Array(IMAGES * trainer.classes));
  return singleCalls(backend, recorder.programs.at(-1)!);
}

/** The kernels of those layers on a backend that move at least half a tensor of images. */
export function movers(backend: Backend): Mover[] {
  const others = new Set(callsThrough(backend).map(({ kernel }) => kernel));
  return MOVERS.flatMap(([layer, make]) =>
    callsThrough(backend, make())
      .filter(({ kernel, bytes }) => !others.has(kernel) && bytes >= TENSOR_BYTES / 2)
      .map((call) => ({ ...call, layer })),
  );
}
