import type { Backend, Memory } from '../backend/backend.js';
import { RANDOM_WORDS } from '../graph/lower.js';
import { type Program, ProgramBuilder } from '../graph/program.js';
import { type Conv2dAttributes, conv2d } from '../ops/conv2d.js';
import { type Conv2dPoolAttributes, conv2dPool } from '../ops/conv2d_pool.js';
import { type Buffer, type Emitter, type NodeView, type Op, sizeOf, type TensorSpec } from '../ops/op.js';
import { Generator } from '../random.js';
import { type Layer, outputSize } from './layers.js';

/** The three ways through a convolution. */
export const PASSES = ['forward', 'input gradient', 'weight gradient'] as const;
export type Pass = (typeof PASSES)[number];

const FLOAT = Float32Array.BYTES_PER_ELEMENT;

/** The convolution op of a layer, alone or with ReLU and max-pool folded in, as a graph would hold it. */
function nodeOf(layer: Layer, fused: boolean): { op: Op; node: NodeView<unknown> } {
  const { IC, OC, size, kernel, padding, stride, dilation, groups } = layer;
  const input: TensorSpec = { shape: [IC, size, size] };
  const plain: Conv2dAttributes = {
    stride: [stride, stride],
    padding: [padding, padding],
    dilation: [dilation, dilation],
    groups,
    kernel: [kernel, kernel],
    outChannels: OC,
    winograd: layer.winograd,
  };
  const pool = layer.pool ?? 1;
  const attributes: Conv2dPoolAttributes = { ...plain, relu: true, pool: [pool, pool] };
  const op = (fused ? conv2dPool : conv2d) as Op;
  const used = fused ? attributes : plain;
  const output = op.infer(op.name, [input], { weight: [OC, IC / groups, kernel, kernel] }, used);
  return { op, node: { inputs: [input], output, attributes: used } };
}

/**
 * One layer's tensors on a backend, and a program for each pass through it that holds nothing else: the op's own calls
 * and, for the weights, the sum over the slices. The transposed weights are there beforehand.
 */
export class LayerPasses {
  readonly batch: number;
  readonly #backend: Backend;
  readonly #op: Op;
  readonly #node: NodeView<unknown>;
  readonly #memories = new Map<string, Memory>();
  readonly #programs = new Map<Pass, Program>();
  /** Bytes of what forward saves for the gradients. */
  readonly #saved = new Map<string, number>();
  readonly #weights: number;

  constructor(backend: Backend, layer: Layer, batch: number, fused = false) {
    const { op, node } = nodeOf(layer, fused);
    this.#backend = backend;
    this.#op = op;
    this.#node = node;
    this.batch = batch;
    this.#weights = layer.OC * (layer.IC / layer.groups) * layer.kernel ** 2;
    const taps = (layer.IC / layer.groups) * layer.kernel ** 2;
    this.#fill('x', batch * sizeOf(node.inputs[0]!), 0, 1);
    this.#fill('weight', this.#weights, -1 / Math.sqrt(taps), 1 / Math.sqrt(taps));
    this.#fill('weight_t', this.#weights, -1, 1);
    this.#fill('bias', layer.OC, -0.1, 0.1);
    this.#fill('gradOutput', batch * sizeOf(node.output), -1, 1);
    // What forward saves for the gradients, such as places in pooling windows, has to be there before they run.
    this.run('forward');
  }

  run(pass: Pass): void {
    this.#program(pass).run(this.batch);
  }

  dispose(): void {
    for (const program of this.#programs.values()) program.dispose();
    for (const memory of this.#memories.values()) memory.dispose();
  }

  #fill(name: string, count: number, low: number, high: number): void {
    const generator = new Generator(this.#memories.size);
    const values = Float32Array.from({ length: count }, () => generator.uniform(low, high));
    this.#memory(name, values.byteLength).write(values);
  }

  #memory(name: string, bytes: number): Memory {
    const memory = this.#memories.get(name) ?? this.#backend.allocate(bytes);
    this.#memories.set(name, memory);
    return memory;
  }

  #program(pass: Pass): Program {
    const known = this.#programs.get(pass);
    if (known) return known;
    const builder = new ProgramBuilder(this.#backend, this.batch);
    const partials = new Map<string, { all: Buffer; part: Buffer; bytes: number }>();
    const emit = this.#emitter(pass, builder, partials);
    if (pass === 'forward') this.#op.forward(emit, this.#node);
    else this.#op.backward(emit, this.#node);
    for (const { all, bytes } of partials.values()) {
      const params = { count: bytes / FLOAT, accumulate: 0 };
      builder.call('reduce_partials', params, { partials: all, sum: builder.whole(bytes) }, 'epilogue');
    }
    const program = builder.build();
    this.#programs.set(pass, program);
    return program;
  }

  #emitter(
    pass: Pass,
    builder: ProgramBuilder,
    partials: Map<string, { all: Buffer; part: Buffer; bytes: number }>,
  ): Emitter {
    const { inputs, output } = this.#node;
    const bound = (name: string, bytes: number) => builder.bound(this.#memory(name, bytes), 0, bytes);
    const save = (name: string, bytes: number) => {
      this.#saved.set(name, bytes);
      return bound(`saved ${name}`, bytes);
    };
    const perBatch = (spec: TensorSpec) => this.batch * sizeOf(spec) * FLOAT;
    const outChannels = (this.#node.attributes as Conv2dAttributes).outChannels;
    const sizes: Readonly<Record<string, number>> = {
      weight: this.#weights * FLOAT,
      bias: outChannels * FLOAT,
    };
    const gradParameter = (name: string) => {
      const bytes = sizes[name]!;
      const { all, part } = builder.partials(bytes);
      partials.set(name, { all: all(0, bytes), part: part(0, bytes), bytes });
      return partials.get(name)!.part;
    };
    return {
      training: true,
      input: () => bound('x', perBatch(inputs[0]!)),
      output: () => bound('y', perBatch(output)),
      parameter: (name) => bound(name, sizes[name]!),
      transposed: () => bound('weight_t', sizes.weight!),
      save: (name, bytesPerImage) => save(name, this.batch * bytesPerImage),
      saved: (name) => bound(`saved ${name}`, this.#saved.get(name)!),
      temporary: (bytesPerImage) => builder.batch(bytesPerImage),
      gradOutput: () => bound('gradOutput', perBatch(output)),
      gradInput: () => (pass === 'input gradient' ? bound('gradInput', perBatch(inputs[0]!)) : undefined),
      passGradient: () => {},
      gradParameter: (name) => (pass === 'weight gradient' ? gradParameter(name) : undefined),
      wholeGradient: () => undefined,
      whole: (name, floats) => save(name, floats * FLOAT),
      random: () => ({ words: builder.whole(RANDOM_WORDS * FLOAT), stream: 0 }),
      partials: (floats) => builder.partials(floats * FLOAT).part(0, floats * FLOAT),
      everySlice: (part) => builder.everySlice(part),
      call: (kernel, params, operands) => builder.call(kernel, params, operands),
      barrier: () => builder.barrier(),
      prepare: (kernel, params, operands) => builder.call(kernel, params, operands, 'prologue'),
      update: () => {},
    };
  }
}

/** Whether a layer has a fused form to measure. */
export function isFusable(layer: Layer): boolean {
  return layer.pool !== undefined && layer.pool <= outputSize(layer);
}
