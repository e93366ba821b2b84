import type { SymbolicTensor } from '../graph/graph.js';
import { Hardtanh } from '../nn/activation.js';
import {
  clip,
  elu,
  erf,
  GRID,
  hardSigmoid,
  hardSwish,
  type Known,
  makeHardsigmoid,
  recognise,
  sigmoid,
} from './functions.js';
import { scaleLayer, withConstant } from './import-affine.js';
import { readMoment } from './import-moments.js';
import type { ImportedNode } from './import-node.js';
import { asPixel } from './import-pixel.js';
import { type FunctionValue, isSame, sealed, type TensorValue, type Value } from './value.js';

// Nodes that take each value by itself. What they come to is seen where it is used: x, Sigmoid and Mul are a SiLU.

/** Longer chains are looked at from here on anew. */
const MOST_DEPTH = 32;

type Operand = Pick<FunctionValue, 'of' | 'samples' | 'depth' | 'tensor'>;

/** An input as a function of a tensor; undefined where it does not depend on the images. */
function operand(node: ImportedNode, at: number): Operand | undefined {
  const value = node.input(at);
  if (value?.kind === 'function') return startsAnew(node, at, value) ? whole(value.tensor()) : value;
  if (value?.kind !== 'tensor' || value.groups !== undefined || value.unscaled) return undefined;
  return whole(value);
}

/** An activation that is read again and again is where the next one begins; long chains, too, are looked at anew. */
function startsAnew(node: ImportedNode, at: number, { depth, samples }: FunctionValue): boolean {
  const known = node.readsAlone(at) ? undefined : recognise(samples);
  return depth >= MOST_DEPTH || (known ? 'make' in known : false);
}

function whole(x: TensorValue): Operand {
  const of = sealed(x);
  return { of, samples: GRID, depth: 0, tensor: () => of };
}

/** Bytes as floats: Twill divides them by 255 where they enter, and what the file does comes after that. */
export function castBytes(node: ImportedNode, bytes: TensorValue): FunctionValue {
  const of = { ...bytes, unscaled: false };
  const x = { of, samples: GRID, depth: 0, tensor: () => of };
  return functionOf(
    node,
    x,
    GRID.map((value) => 255 * value),
    () => undefined,
  );
}

/** A function that is looked at when it is asked for, as a whole or else as what its last node makes of the rest. */
function functionOf(
  node: ImportedNode,
  x: Operand,
  samples: Float64Array,
  otherwise: () => TensorValue | undefined,
): FunctionValue {
  let made: TensorValue | undefined;
  const known = () => {
    const found = recognise(samples);
    return found && applied(node, x.of, found);
  };
  const tensor = () => (made ??= known() ?? otherwise() ?? refuse(node));
  return { kind: 'function', of: x.of, samples, depth: x.depth + 1, tensor };
}

function applied(node: ImportedNode, x: TensorValue, known: Known): TensorValue {
  if ('make' in known) return node.layer(x, known.make);
  const { scale, shift } = known;
  if (Math.abs(scale - 1) <= ROUNDING && Math.abs(shift) <= ROUNDING) return x;
  const fill = (value: number) => new Float32Array(x.symbolic.shape[0]!).fill(value);
  return scaleLayer(node, x, fill(scale), fill(shift));
}

/** How far a float32 may be from 1/255, relative to it, and still be meant so. */
const ROUNDING = 2e-7;

function refuse(node: ImportedNode): never {
  throw node.fail(`is the last of nodes that are arithmetic that is no activation: Twill has ${ACTIVATIONS}`);
}

const ACTIVATIONS =
  'ELU, GELU, Hardsigmoid, Hardswish, Hardtanh, LeakyReLU, ReLU, ReLU6, Sigmoid, SiLU, Tanh';

/**
 * What a function of one number makes of an input.
 * @param exact what it is, where that is known better than the grid can tell
 */
export function unary(node: ImportedNode, f: (x: number) => number, at = 0, exact?: Known): FunctionValue {
  const x = operand(node, at);
  if (!x) throw node.fail(`needs a tensor that depends on the images as input ${at}`);
  const alone = () => {
    const known = exact ?? recognise(GRID.map(f));
    return known && applied(node, x.tensor(), known);
  };
  return functionOf(node, x, x.samples.map(f), alone);
}

type Binary = (a: number, b: number) => number;

const ARITHMETIC: Readonly<Record<string, Binary>> = {
  Add: (a, b) => a + b,
  Div: (a, b) => a / b,
  Max: Math.max,
  Min: Math.min,
  Mul: (a, b) => a * b,
  Pow: Math.pow,
  Sub: (a, b) => a - b,
};

/**
 * Add, Div, Max, Min, Mul, Pow and Sub of a tensor with a constant, and of functions of one tensor; sums and products of
 * any two.
 */
export function readArithmetic(node: ImportedNode): Value {
  if (node.inputs !== 2) throw node.fail(`has ${node.inputs} inputs and not 2`);
  const moment = readMoment(node);
  if (moment) return moment;
  const [a, b] = [node.input(0), node.input(1)];
  if (a?.kind === 'constant' || b?.kind === 'constant') return withOneConstant(node, a!, b!);
  const [x, y] = [operand(node, 0), operand(node, 1)];
  const combine = COMBINED[node.type];
  const combined = () => combine && ofTwo(node, combine);
  const tensors = a?.kind === 'tensor' && b?.kind === 'tensor';
  if (x && y && isSame(x.of, y.of) && !(tensors && node.type === 'Add')) {
    const f = ARITHMETIC[node.type]!;
    return functionOf(
      node,
      x.depth > y.depth ? x : y,
      x.samples.map((one, at) => f(one, y.samples[at]!)),
      combined,
    );
  }
  const made = combined();
  if (!made) throw node.fail('computes with two tensors, of which Twill has ops only for sum and product');
  return made;
}

type Combine = (x: SymbolicTensor, y: SymbolicTensor) => SymbolicTensor;

const COMBINED: Readonly<Record<string, Combine>> = {
  Add: (x, y) => x.add(y),
  Mul: (x, y) => x.mul(y),
};

function ofTwo(node: ImportedNode, combine: Combine): TensorValue {
  const [given, other] = [node.tensor(0), node.tensor(1)];
  const [x, y] = [
    other.channelsLast ? asPixel(node, given) : given,
    given.channelsLast ? asPixel(node, other) : other,
  ];
  if (!isSame({ ...x, index: 0 }, { ...y, index: 0 })) {
    throw node.fail('computes with images whose channels are first and images whose channels are last');
  }
  return node.apply(x, [x, y], ([one, two]) => combine(one!, two!));
}

function withOneConstant(node: ImportedNode, a: Value, b: Value): Value {
  const at = a.kind === 'constant' ? 1 : 0;
  const [value, constant] = [at === 0 ? a : b, node.constant(1 - at)];
  const linear = at === 0 ? LINEAR[node.type] : REVERSED[node.type];
  const single = constant.size === 1;
  if (single && !(linear && value.kind === 'tensor' && value.affine)) {
    const number = constant.floats()[0]!;
    const f = ARITHMETIC[node.type]!;
    return unary(node, at === 0 ? (x) => f(x, number) : (x) => f(number, x), at);
  }
  if (!linear) throw node.fail(`has a constant of ${constant.dims.join('x')}, expected one number`);
  const x = node.image(at);
  if (linear.negate) {
    const negative = applied(node, x, { scale: -1, shift: 0 });
    return withConstant(node, negative, constant, 'shift', (one) => one);
  }
  return withConstant(node, x, constant, linear.kind, linear.turn);
}

interface Linear {
  readonly kind: 'scale' | 'shift';
  readonly turn: (value: number) => number;
  /** The tensor is subtracted. */
  readonly negate?: boolean;
}

const same = (value: number) => value;

/** Of a tensor and a constant. */
const LINEAR: Readonly<Record<string, Linear>> = {
  Add: { kind: 'shift', turn: same },
  Div: { kind: 'scale', turn: (value) => 1 / value },
  Mul: { kind: 'scale', turn: same },
  Sub: { kind: 'shift', turn: (value) => -value },
};

/** Of a constant and a tensor. */
const REVERSED: Readonly<Record<string, Linear>> = {
  Add: LINEAR.Add!,
  Mul: LINEAR.Mul!,
  Sub: { kind: 'shift', turn: same, negate: true },
};

/** The bounds came as attributes before opset 11. */
function readClip(node: ImportedNode): Value {
  const bound = (name: string, at: number, otherwise: number) =>
    node.attributes.float(name, node.optional(at)?.floats()[0] ?? otherwise);
  const [low, high] = [bound('min', 1, -Infinity), bound('max', 2, Infinity)];
  const exact = low < high ? { make: () => new Hardtanh(low, high) } : undefined;
  return unary(node, (x) => clip(x, low, high), 0, exact);
}

function readHardSigmoid(node: ImportedNode): Value {
  const alpha = node.attributes.float('alpha', 0.2);
  const beta = node.attributes.float('beta', 0.5);
  const exact = alpha > 0 ? { make: () => makeHardsigmoid(alpha, beta) } : undefined;
  return unary(node, (x) => hardSigmoid(x, alpha, beta), 0, exact);
}

/** Of Relu, Tanh and their like: at once a layer, but within a chain of arithmetic. */
const inChain = (f: (node: ImportedNode) => (x: number) => number) => (node: ImportedNode) => {
  const made = unary(node, f(node));
  return node.input(0)?.kind === 'tensor' ? made.tensor() : made;
};

/** By operator. */
export const FUNCTION_READERS = {
  Add: readArithmetic,
  Clip: readClip,
  Div: readArithmetic,
  Elu: inChain((node) => {
    const alpha = node.attributes.float('alpha', 1);
    return (x) => elu(x, alpha);
  }),
  Erf: (node: ImportedNode) => unary(node, erf),
  HardSigmoid: readHardSigmoid,
  HardSwish: inChain(() => hardSwish),
  LeakyRelu: inChain((node) => {
    const slope = node.attributes.float('alpha', 0.01);
    return (x) => (x < 0 ? slope * x : x);
  }),
  Max: readArithmetic,
  Min: readArithmetic,
  Mul: readArithmetic,
  Neg: (node: ImportedNode) => unary(node, (x) => -x),
  Pow: readArithmetic,
  Relu: inChain(() => (x) => Math.max(0, x)),
  Sigmoid: (node: ImportedNode) => unary(node, sigmoid),
  Sqrt: (node: ImportedNode) => readMoment(node) ?? unary(node, Math.sqrt),
  Sub: readArithmetic,
  Tanh: inChain(() => Math.tanh),
};
