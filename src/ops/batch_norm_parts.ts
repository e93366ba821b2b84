import { ShapeError } from '../errors.js';
import { type Buffer, type Emitter, floatBits, formatShape, type NodeView, type TensorSpec } from './op.js';
import { type Packing, PLAIN } from './packing.js';

// What a batch normalisation is made of, with and without a pool behind it.

export interface BatchNormAttributes {
  readonly eps: number;
  /** Weight of the newest batch in the running statistics; null: every batch weighs the same. */
  readonly momentum: number | null;
  /** False: the running statistics serve in training, too, and stay. */
  readonly training: boolean;
  /** Dimensions of what it takes, one image's: 1 for features, 3 for C x H x W. */
  readonly dimensions: 1 | 3;
  /** Set by fusion. */
  readonly relu?: boolean;
}

/** Floats a channel of the kernels' `statistics` and `terms`. */
const A_CHANNEL = 3;

/** `Op.infer` of a normalisation. */
export function inferBatchNorm(
  where: string,
  inputs: readonly TensorSpec[],
  parameters: Readonly<Record<string, readonly number[]>>,
  { dimensions }: BatchNormAttributes,
): TensorSpec {
  const { shape } = inputs[0]!;
  const channels = parameters.running_mean![0];
  if (shape.length !== dimensions) {
    const expected = dimensions === 1 ? `${channels} features an image` : 'images of C x H x W';
    throw new ShapeError(`[${where}] expected ${expected} but got ${formatShape(shape)}`);
  }
  if (shape[0] !== channels) {
    const what = dimensions === 1 ? 'features' : 'channels';
    throw new ShapeError(`[${where}] expected ${channels} ${what} but got ${shape[0]}`);
  }
  for (const name of ['weight', 'bias', 'running_var']) {
    const given = parameters[name];
    if (given && formatShape(given) !== formatShape([channels!])) {
      throw new ShapeError(`[${where}] expected a ${name} of ${channels} but got ${formatShape(given)}`);
    }
  }
  return inputs[0]!;
}

/** One position has no variance: images that a step of training needs. */
export function leastImages({ inputs, attributes }: NodeView<BatchNormAttributes>): number {
  return attributes.training && positionsOf(inputs[0]!.shape) === 1 ? 2 : 1;
}

/** Parameters are one a channel; after a flatten of C x H x W they lie as the features do. */
export function channelPacking(name: string, { inputs }: NodeView<unknown>): Packing {
  const { flattened } = inputs[0]!;
  return flattened && name !== 'num_batches_tracked' ? { kind: 'features', flattened } : PLAIN;
}

/** Mean and variance for this run: of the batch, which the running ones follow, or the running ones. */
export function statisticsOf(emit: Emitter, node: NodeView<BatchNormAttributes>): Buffer {
  const { eps, momentum } = node.attributes;
  const { C, positions } = batchNormParams(node);
  if (!usesBatch(emit, node)) return statisticsOfRunning(emit, C, eps);
  const statistics = emit.whole('statistics', A_CHANNEL * C);
  const partials = emit.partials(2 * C);
  emit.call('batch_norm_statistics', { C, positions, relu: 0 }, { x: emit.input(0), partials });
  emit.call(
    'batch_norm_moments',
    { C, positions, eps: floatBits(eps) },
    { partials: emit.everySlice(partials), statistics },
  );
  emit.update(
    'batch_norm_update',
    { count: 1, C, momentum: floatBits(momentum ?? 0), cumulative: momentum === null ? 1 : 0 },
    { statistics, ...runningOf(emit), num_batches_tracked: emit.parameter('num_batches_tracked') },
  );
  return statistics;
}

/** What the kernels want to know of running mean and variance. */
export function statisticsOfRunning(emit: Emitter, C: number, eps: number, prefix = ''): Buffer {
  const statistics = emit.whole('statistics', A_CHANNEL * C);
  emit.prepare('batch_norm_running', { C, eps: floatBits(eps) }, { ...runningOf(emit, prefix), statistics });
  return statistics;
}

function runningOf(emit: Emitter, prefix = '') {
  return {
    running_mean: emit.parameter(`${prefix}running_mean`),
    running_var: emit.parameter(`${prefix}running_var`),
  };
}

/** Sums up the gradients of weight and bias from what `operands` name, and what they make of the input's gradient. */
export function termsOf(
  emit: Emitter,
  node: NodeView<BatchNormAttributes>,
  params: { readonly C: number; readonly positions: number; readonly relu: number },
  operands: Readonly<Record<'x' | 'grad_output' | 'statistics' | 'weight' | 'bias', Buffer | undefined>>,
): Buffer {
  const { C } = params;
  const gradWeight = emit.gradParameter('weight') ?? emit.partials(C);
  const gradBias = emit.gradParameter('bias') ?? emit.partials(C);
  const terms = emit.whole('terms', A_CHANNEL * C);
  emit.call('batch_norm_backward_sums', params, {
    ...operands,
    grad_weight: gradWeight,
    grad_bias: gradBias,
  });
  emit.call(
    'batch_norm_terms',
    { C, positions: positionsOf(node.inputs[0]!.shape), training: usesBatch(emit, node) ? 1 : 0 },
    {
      grad_weight: emit.everySlice(gradWeight),
      grad_bias: emit.everySlice(gradBias),
      statistics: operands.statistics,
      weight: operands.weight,
      terms,
    },
  );
  return terms;
}

export function affine(emit: Emitter, statistics: Buffer) {
  return { statistics, weight: emit.parameter('weight'), bias: emit.parameter('bias') };
}

function usesBatch(emit: Emitter, { attributes }: NodeView<BatchNormAttributes>): boolean {
  return emit.training && attributes.training;
}

function positionsOf([, H = 1, W = 1]: readonly number[]): number {
  return H * W;
}

export function batchNormParams({ inputs, attributes }: NodeView<BatchNormAttributes>) {
  const { shape } = inputs[0]!;
  return { C: shape[0]!, positions: positionsOf(shape), relu: attributes.relu ? 1 : 0 };
}
