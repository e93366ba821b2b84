import { defaultBackend } from '../backend/load.js';
import { checkTargets } from '../data/check.js';
import { OptionError, ShapeError } from '../errors.js';
import { type TracedGraph, trace, traceAll } from '../graph/graph.js';
import { lower, RANDOM_WORDS } from '../graph/lower.js';
import type { Loss, LoweredProgram, Request } from '../graph/request.js';
import { ModuleBuffer, Parameter } from '../graph/parameter.js';
import { formatShape, type Op, sizeOf } from '../ops/op.js';
import { type Packing, unpack } from '../ops/packing.js';
import { show } from '../options.js';
import type { Generator } from '../random.js';

// One op at a time on arrays: each call traces, plans, runs and frees a program of its own.

/** Values in row-major order with their shape, the batch first: [N, C, H, W], [N, features], [OC, IC, KH, KW]. */
export interface Tensor {
  /** As many values as `shape` comes to, the last dimension fastest. */
  readonly data: Float32Array;
  /** Positive whole numbers; the first, that of the batch, may be 0. */
  readonly shape: readonly number[];
}

/** A tensor of `shape` from an array of its values. Throws `ShapeError` where their number is not the shape's. */
export function tensor(data: ArrayLike<number>, shape: readonly number[]): Tensor {
  return checkTensor('tensor', 'data', {
    data: data instanceof Float32Array ? data : Float32Array.from(data),
    shape,
  });
}

export function zeros(shape: readonly number[]): Tensor {
  return { data: new Float32Array(sizeOf({ shape })), shape };
}

/** Throws `OptionError` for what is no tensor, `ShapeError` where values and shape do not fit. */
export function checkTensor(where: string, name: string, value: Tensor): Tensor {
  if (!(value?.data instanceof Float32Array) || !Array.isArray(value.shape)) {
    throw new OptionError(
      `[${where}] ${name} must be a tensor { data: Float32Array, shape } but is ${show(value)}`,
    );
  }
  const { data, shape } = value;
  const whole = shape.every((one, at) => Number.isSafeInteger(one) && one >= (at === 0 ? 0 : 1));
  if (shape.length === 0 || !whole || sizeOf({ shape }) !== data.length) {
    throw new ShapeError(
      `[${where}] ${name} of shape ${formatShape(shape)} does not fit ${data.length} values`,
    );
  }
  return value;
}

/** The same values seen as [N, features]. */
export function features(where: string, x: Tensor): Tensor {
  const { data, shape } = checkTensor(where, 'x', x);
  return { data, shape: [shape[0]!, sizeOf({ shape: shape.slice(1) })] };
}

type Tensors = Readonly<Record<string, Tensor | null | undefined>>;

/** `xs`: the op's input, or all of them; `tensors`: its parameters, and its state, which is changed in place. */
export function forward<A>(
  op: Op<A>,
  xs: Tensor | readonly Tensor[],
  tensors: Tensors,
  attributes: A,
  { training = false, generator }: { training?: boolean; generator?: Generator } = {},
): Tensor {
  const inputs = listOf(xs);
  const { traced, parameters } = traceOp(op, inputs, tensors, attributes);
  if (isEmpty(inputs)) return zeros([0, ...traced.output.shape]);
  return run(traced, inputs, { training }, ({ program, output, random }, batch) => {
    if (random) {
      program.write(
        random,
        Int32Array.from({ length: RANDOM_WORDS }, () => generator!.uint32()),
      );
    }
    program.run(batch);
    for (const [name, one] of Object.entries(parameters)) {
      if (one instanceof ModuleBuffer) tensors[name]!.data.set(one.read());
    }
    return readTensor(program, output!, [batch, ...traced.output.shape]);
  });
}

export function backward<A>(
  op: Op<A>,
  gradOutput: Tensor,
  xs: Tensor | readonly Tensor[],
  tensors: Tensors,
  attributes: A,
): { input: Tensor; inputs: Tensor[]; parameters: Record<string, Tensor> } {
  const inputs = listOf(xs);
  const { traced, parameters } = traceOp(op, inputs, tensors, attributes);
  const expected = [inputs[0]!.shape[0]!, ...traced.output.shape];
  if (formatShape(checkTensor(op.name, 'gradOutput', gradOutput).shape) !== formatShape(expected)) {
    throw new ShapeError(
      `[${op.name}] expected gradOutput of ${formatShape(expected)} but got ${formatShape(gradOutput.shape)}`,
    );
  }
  const trainable = Object.entries(parameters).filter(([, one]) => one.requiresGrad);
  if (isEmpty(inputs)) {
    const none = inputs.map(({ shape }) => zeros(shape));
    const gradients = trainable.map(([name, { shape }]) => [name, zeros(shape)] as const);
    return { input: none[0]!, inputs: none, parameters: Object.fromEntries(gradients) };
  }
  return run(traced, inputs, { gradients: 'parameters and inputs', output: false }, (lowered, batch) => {
    const { program } = lowered;
    program.write(lowered.gradOutput!, gradOutput.data);
    program.run(batch);
    const gradInputs = lowered.gradInputs.map((one, at) => readTensor(program, one, inputs[at]!.shape));
    return {
      input: gradInputs[0]!,
      inputs: gradInputs,
      parameters: Object.fromEntries(trainable.map(([name, one]) => [name, readGradient(lowered, one)])),
    };
  });
}

/** What a loss came to. */
export interface LossResult {
  /** Over the batch: the mean, or the sum. */
  readonly loss: number;
  /** Of each image, without what a mean divides by. */
  readonly losses: Float32Array;
  /** Gradient of `loss`, of the shape of the output. */
  readonly gradInput: Tensor;
}

/** Of outputs [N, ...] for what the loss compares them with; `correct` is NaN where these are no labels. */
export function lossProgram(
  where: string,
  loss: Loss,
  outputs: Tensor,
  given: ArrayLike<number>,
): LossResult & { readonly correct: number } {
  const { shape } = checkTensor(where, 'the output', outputs);
  const traced = trace((x) => x, shape.slice(1));
  const checked = checkTargets(where, given, shape[0]!, loss.op.targets(traced.output.spec));
  if (isEmpty([outputs])) {
    // PyTorch's: a mean of nothing is not a number, a sum is 0.
    const nothing = loss.reduction === 'sum' ? 0 : Number.NaN;
    return { loss: nothing, losses: new Float32Array(), gradInput: zeros(shape), correct: 0 };
  }
  const request = { loss, gradients: 'parameters and inputs', output: false } as const;
  return run(traced, [outputs], request, (lowered, batch) => {
    const { program, hits, total } = lowered;
    program.write(lowered.targets!, checked);
    program.run(batch);
    const losses = new Float32Array(batch);
    const hit = new Int32Array(batch);
    const count = Float32Array.of(batch);
    program.read(lowered.losses!, losses);
    if (hits) program.read(hits, hit);
    if (total) program.read(total, count);
    const sum = losses.reduce((all, value) => all + value, 0);
    return {
      loss: loss.reduction === 'sum' ? sum : sum / count[0]!,
      correct: hits ? hit.reduce((all, value) => all + value, 0) : Number.NaN,
      losses,
      gradInput: readTensor(program, lowered.gradInputs[0]!, shape),
    };
  });
}

/** Whether there is no image: nothing runs, for a program is of one at least. */
function isEmpty([first]: readonly Tensor[]): boolean {
  return first!.shape[0] === 0;
}

function listOf(xs: Tensor | readonly Tensor[]): readonly Tensor[] {
  return Array.isArray(xs) ? xs : [xs as Tensor];
}

function traceOp<A>(op: Op<A>, xs: readonly Tensor[], tensors: Tensors, attributes: A) {
  for (const [at, x] of xs.entries()) {
    checkTensor(op.name, xs.length === 1 ? 'x' : `input ${at}`, x);
    if (x.shape[0] !== xs[0]!.shape[0]) {
      const batches = xs.map(({ shape }) => shape[0]).join(' and ');
      throw new ShapeError(`[${op.name}] expected inputs of one batch size but got ${batches}`);
    }
  }
  const present = Object.entries(tensors).filter((entry): entry is [string, Tensor] => entry[1] != null);
  const parameters = Object.fromEntries(
    present.map(([name, one]) => {
      const { shape, data } = checkTensor(op.name, name, one);
      if (shape[0] === 0)
        throw new ShapeError(`[${op.name}] ${name} of shape ${formatShape(shape)} is empty`);
      const isState = op.state?.includes(name);
      return [name, isState ? new ModuleBuffer(shape, data) : new Parameter(shape, data)];
    }),
  );
  const traced = traceAll(
    (inputs) => inputs[0]!.graph.apply(op, inputs, parameters, attributes),
    xs.map(({ shape }) => shape.slice(1)),
  );
  return { traced, parameters };
}

function run<T>(
  traced: TracedGraph,
  xs: readonly Tensor[],
  request: Partial<Request>,
  use: (lowered: LoweredProgram, batch: number) => T,
): T {
  const batch = xs[0]!.shape[0]!;
  const lowered = lower(traced, { backend: defaultBackend(), capacity: batch, input: 'float32', ...request });
  const { needs } = lowered;
  if (needs && batch < needs.batch) {
    lowered.program.dispose();
    throw new ShapeError(`[${needs.where}] training needs at least ${needs.batch} images but got ${batch}`);
  }
  try {
    for (const [at, x] of xs.entries()) lowered.program.write(lowered.inputs[at]!, x.data);
    return use(lowered, batch);
  } finally {
    lowered.program.dispose();
    const parameters = traced.graph.nodes.flatMap((node) => Object.values(node.parameters));
    for (const memory of new Set(parameters.map(({ placement }) => placement!.memory))) memory.dispose();
  }
}

type ReadableProgram = LoweredProgram['program'];

function readTensor(
  program: ReadableProgram,
  buffer: LoweredProgram['images'],
  shape: readonly number[],
): Tensor {
  const target = zeros(shape);
  program.read(buffer, target.data);
  return target;
}

/** A parameter's gradient in PyTorch's order, from where it lies in the block of all gradients. */
function readGradient({ program, gradients, block }: LoweredProgram, parameter: Parameter): Tensor {
  const all = new Float32Array(block!.bytes / Float32Array.BYTES_PER_ELEMENT);
  program.read(gradients!, all);
  const start = block!.offsets.get(parameter)! / Float32Array.BYTES_PER_ELEMENT;
  const packing: Packing = parameter.placement!.packing;
  return {
    data: unpack(all.subarray(start, start + parameter.size), parameter.shape, packing),
    shape: parameter.shape,
  };
}
