import fc from 'fast-check';
import type { Backend } from '../../src/backend/backend.js';
import { recording } from '../../src/bench/calls.js';
import { lower } from '../../src/graph/lower.js';
import type { Request } from '../../src/graph/request.js';
import {
  AdaptiveAvgPool2d,
  AvgPool2d,
  BatchNorm2d,
  BCEWithLogitsLoss,
  Conv2d,
  ConvTranspose2d,
  CrossEntropyLoss,
  Dropout,
  Dropout2d,
  ELU,
  Flatten,
  GELU,
  Generator,
  Hardsigmoid,
  Hardswish,
  LeakyReLU,
  GroupNorm,
  LayerNorm,
  Linear,
  LogSoftmax,
  MaxPool2d,
  type Module,
  ReflectionPad2d,
  MSELoss,
  ReLU,
  ReLU6,
  ReplicationPad2d,
  Sequential,
  SGD,
  Sigmoid,
  SiLU,
  Softmax,
  type SymbolicTensor,
  Tanh,
  Unflatten,
  ZeroPad2d,
} from '../../src/index.node.js';
import { Module as BaseModule } from '../../src/nn/module.js';
import { channels } from '../property/draw.js';

// Networks drawn at random, lowered to every kind of program that Twill makes of one.

/** A residual block around a convolution that keeps its input's shape. */
class Residual extends BaseModule {
  readonly conv: Conv2d;

  constructor(C: number, winograd: boolean, generator: Generator) {
    super();
    this.conv = new Conv2d(C, C, 3, { padding: 1, winograd, generator });
  }

  forward(x: SymbolicTensor): SymbolicTensor {
    return new ReLU().forward(x.add(this.conv.forward(x)));
  }
}

/** Each channel times what its mean comes to, and that times itself. */
class Gated extends BaseModule {
  forward(x: SymbolicTensor): SymbolicTensor {
    const gate = new Hardsigmoid().forward(new AdaptiveAvgPool2d(1).forward(x));
    const gated = x.mul(gate);
    return gated.mul(gated);
  }
}

/** Layers that take any shape. */
const ELEMENTS: readonly (() => Module)[] = [
  () => new LeakyReLU(),
  () => new GELU(),
  () => new GELU({ approximate: 'tanh' }),
  () => new SiLU(),
  () => new Sigmoid(),
  () => new Tanh(),
  () => new ELU(),
  () => new ReLU6(),
  () => new Hardsigmoid(),
  () => new Hardswish(),
  () => new Gated(),
  () => new Softmax(),
  () => new LogSoftmax(),
  () => new Dropout(),
  () => new Dropout2d(),
];
/** A tensor beside itself and its values in another order. */
class Joined extends BaseModule {
  forward(x: SymbolicTensor): SymbolicTensor {
    const [C, H, W] = x.shape as [number, number, number];
    return x.concat(x.reshape([C * H, 1, W]).reshape([C, H, W]), x);
  }
}

const size2d = (high: number) =>
  fc.tuple(fc.integer({ min: 1, max: high }), fc.integer({ min: 1, max: high }));

/** Layers of sums, products and comparisons. */
const ARITHMETIC = [
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('conv' as const),
      OC: channels,
      kernel: size2d(5),
      stride: size2d(2),
      padding: fc.tuple(fc.nat(3), fc.nat(3)),
      dilation: size2d(2),
      groups: fc.constantFrom(1, 1, 1, 2, 'depthwise' as const),
      bias: fc.boolean(),
    }),
  },
  fc.record({ kind: fc.constant('relu' as const) }),
  fc.record({ kind: fc.constant('residual' as const), winograd: fc.boolean() }),
  fc.record({ kind: fc.constant('pool' as const), kernel: size2d(3), overlapping: fc.boolean() }),
  fc.record({
    kind: fc.constant('average' as const),
    size: size2d(4),
    stride: size2d(3),
    adaptive: fc.boolean(),
    ceilMode: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('pad' as const),
    of: fc.constantFrom(ZeroPad2d, ReflectionPad2d, ReplicationPad2d),
    padding: fc.tuple(...[0, 1, 2, 3].map(() => fc.integer({ min: -1, max: 3 }))),
  }),
  fc.record({
    kind: fc.constant('norm' as const),
    of: fc.constantFrom(1, 2, 'layer' as const, 'batch' as const),
  }),
  fc.record({ kind: fc.constant('joined' as const) }),
  fc.record({ kind: fc.constant('dense' as const), beyond: fc.nat(40), bias: fc.boolean() }),
  fc.record({
    kind: fc.constant('transposed' as const),
    OC: channels,
    kernel: size2d(3),
    stride: size2d(2),
    padding: fc.nat(1),
    bias: fc.boolean(),
  }),
] as const;

const layer = fc.oneof(...ARITHMETIC, fc.record({ kind: fc.constant('elements' as const), which: fc.nat() }));
type Layer = typeof layer extends fc.Arbitrary<infer Drawn> ? Drawn : never;

const networkOf = <Of extends Layer>(layer: fc.Arbitrary<Of>) =>
  fc.record({
    C: channels,
    image: size2d(12),
    layers: fc.array(layer, { minLength: 1, maxLength: 5 }),
    classes: fc.integer({ min: 1, max: 20 }),
    batch: fc.integer({ min: 1, max: 9 }),
  });

export const network = networkOf(layer);
/** Networks without exponentials and random numbers. */
export const arithmeticNetwork = networkOf(fc.oneof(...ARITHMETIC));

type Network = typeof network extends fc.Arbitrary<infer Drawn> ? Drawn : never;

/** One drawn layer for images of `shape`; throws where they are too small for it. */
function moduleOf(drawn: Layer, shape: readonly number[], generator: Generator): Module {
  const IC = shape[0]!;
  switch (drawn.kind) {
    case 'conv': {
      const groups = drawn.groups === 'depthwise' ? IC : IC % drawn.groups === 0 ? drawn.groups : 1;
      const OC = Math.ceil(drawn.OC / groups) * groups;
      const { kernel, stride, padding, dilation, bias } = drawn;
      return new Conv2d(IC, OC, kernel, { stride, padding, dilation, groups, bias, generator });
    }
    case 'pool':
      return new MaxPool2d(drawn.kernel, drawn.overlapping ? { stride: 1 } : {});
    case 'average': {
      const { size, stride, ceilMode } = drawn;
      return drawn.adaptive ? new AdaptiveAvgPool2d(size) : new AvgPool2d(size, { stride, ceilMode });
    }
    case 'pad':
      return new drawn.of(drawn.padding as [number, number, number, number]);
    case 'norm':
      if (drawn.of === 'layer') return new LayerNorm(shape);
      if (drawn.of === 'batch') return new BatchNorm2d(IC);
      return new GroupNorm(IC % drawn.of === 0 ? drawn.of : IC, IC);
    case 'joined':
      return new Joined();
    case 'dense': {
      // As many weights as linear layers are cut into panels for, and back to the shape that it was.
      const size = shape.reduce((a, b) => a * b);
      const features = Math.ceil(2 ** 15 / size) + drawn.beyond;
      const { bias } = drawn;
      return new Sequential(
        new Flatten(),
        new Linear(size, features, { bias, generator }),
        new Linear(features, size, { generator }),
        new Unflatten(1, shape as [number, number, number]),
      );
    }
    case 'transposed': {
      const { OC, kernel, stride, padding, bias } = drawn;
      return new ConvTranspose2d(IC, OC, kernel, { stride, padding, bias, generator });
    }
    case 'elements':
      return ELEMENTS[drawn.which % ELEMENTS.length]!();
    case 'residual':
      return new Residual(IC, drawn.winograd, generator);
    case 'relu':
      return new ReLU();
  }
}

/** A drawn network as a module, or undefined where an image has become too small for a layer. */
export function modelOf({ C, image, layers, classes }: Network): Module | undefined {
  const generator = new Generator(1);
  const modules: Module[] = [];
  let shape: readonly number[] = [C, ...image];
  for (const drawn of layers) {
    let next: Module;
    try {
      next = moduleOf(drawn, shape, generator);
      shape = next.trace(shape).output.shape;
    } catch {
      return undefined;
    }
    modules.push(next);
  }
  const features = shape.reduce((a, b) => a * b);
  return new Sequential(...modules, new Flatten(), new Linear(features, classes, { generator }));
}

/** Training, evaluation, gradients of the input, prediction of many and of one. */
function requests(backend: Backend, batch: number, classes: number): Request[] {
  const optimizer = new SGD({ momentum: 0.9, weightDecay: 0.1, nesterov: true });
  const update: Request['update'] = {
    emit: (emitter) => void optimizer.emit(emitter),
    state: (_name, bytes) => backend.allocate(bytes),
  };
  const loss = new CrossEntropyLoss();
  const smoothed = new CrossEntropyLoss({ labelSmoothing: 0.1, weight: new Array(classes).fill(0.5) });
  const weighted = new BCEWithLogitsLoss({ posWeight: new Array(classes).fill(2) });
  return [
    { backend, capacity: batch, input: 'uint8', loss, gradients: 'parameters', update, output: false },
    { backend, capacity: batch, input: 'float32', loss, gradients: 'parameters', fusion: false },
    { backend, capacity: batch, input: 'float32', loss: smoothed, gradients: 'parameters' },
    { backend, capacity: batch, input: 'float32', loss: new MSELoss(), gradients: 'parameters' },
    { backend, capacity: batch, input: 'float32', loss: weighted, gradients: 'parameters' },
    { backend, capacity: batch, input: 'float32', gradients: 'parameters and inputs', output: false },
    { backend, capacity: batch, input: 'uint8', loss, output: false },
    { backend, capacity: batch, input: 'float32' },
    { backend, capacity: 1, input: 'float32' },
  ];
}

/**
 * Programs of networks drawn from `seed`, as test/native/guarded_program.h reads them: the number of blocks, each
 * one's size in units of 64 bytes, the program's words. Nothing runs.
 */
export function drawPrograms(backend: Backend, networks: number, seed: number): Int32Array[] {
  const programs: Int32Array[] = [];
  const recorder = recording(backend);
  for (const drawn of fc.sample(network, { numRuns: networks, seed })) {
    const model = modelOf(drawn);
    if (!model) continue;
    const traced = model.trace([drawn.C, ...drawn.image]);
    for (const request of requests(recorder.backend, drawn.batch, drawn.classes)) {
      const { program } = lower(traced, request);
      const { words, memories } = recorder.programs.pop()!;
      const units = memories.map(({ bytes }) => Math.ceil(bytes / 64));
      programs.push(Int32Array.of(units.length, ...units, ...words));
      program.dispose();
    }
  }
  return programs;
}
