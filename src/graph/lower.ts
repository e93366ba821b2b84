import { ShapeError } from '../errors.js';
import type { LossEmitter, Targets } from '../ops/loss.js';
import { type Buffer, type Emitter, sizeOf } from '../ops/op.js';
import { gradientsNeeded } from './differentiate.js';
import { fuse } from './fuse.js';
import {
  type ExtraGradient,
  type GradientBlock,
  placeGradients,
  reduceGradients,
  type TransposedGradients,
  transposedGradients,
  wholeGradients,
} from './gradients.js';
import type { GraphNode, SymbolicTensor, TracedGraph } from './graph.js';
import { withoutIdentities } from './identities.js';
import type { Parameter } from './parameter.js';
import { type ParameterBlock, packingsOf, placeAnywhere, placeTogether } from './placement.js';
import { Probes } from './probes.js';
import { ProgramBuilder } from './program.js';
import type { Loss, LoweredProgram, Request } from './request.js';
import { emitUpdate } from './update.js';

const FLOAT = Float32Array.BYTES_PER_ELEMENT;
/** Random words that a run takes, where it takes any. */
export const RANDOM_WORDS = 4;

/** Fuses, differentiates and plans a graph into one program. Throws `ShapeError` and `BackendError`. */
export function lower(traced: TracedGraph, request: Request): LoweredProgram {
  return new Lowering(traced, request).run();
}

/** What a node emits with, and the gradients of its inputs that it gave. */
interface NodeEmitter {
  readonly emit: Emitter;
  readonly gradInputs: ReadonlyMap<number, Buffer>;
}

class Lowering {
  readonly #request: Request;
  readonly #traced: TracedGraph;
  readonly #training: boolean;
  readonly #nodes: readonly GraphNode[];
  readonly #builder: ProgramBuilder;
  readonly #probes: Probes;
  readonly #values = new Map<SymbolicTensor, Buffer>();
  readonly #gradients = new Map<SymbolicTensor, Buffer>();
  readonly #parameters = new Map<Parameter, Buffer>();
  readonly #transposes = new Map<Parameter, Buffer>();
  /** Tensors that share the buffer of the one they were made of. */
  readonly #aliases: ReadonlyMap<SymbolicTensor, SymbolicTensor>;
  readonly #needs: { tensors: ReadonlySet<SymbolicTensor>; parameters: ReadonlySet<Parameter> };
  /** How often a parameter's gradient was asked for so far: a second use needs partial sums of its own. */
  readonly #gradientUses = new Map<Parameter, number>();
  readonly #extraGradients: ExtraGradient[] = [];
  readonly #transposedGradients: TransposedGradients;
  /** Calls of `Emitter.update`, which want to know the losses. */
  readonly #updates: ((losses: Buffer | undefined) => void)[] = [];
  #block: ParameterBlock | undefined;
  #gradientBlock: GradientBlock | undefined;
  /** What is written once, into a program that is there. */
  readonly #constants: { buffer: Buffer; values: Float32Array }[] = [];
  #random: Buffer | undefined;
  #streams = 0;

  constructor(traced: TracedGraph, request: Request) {
    this.#request = request;
    this.#training = request.training ?? request.gradients !== undefined;
    this.#traced = withoutIdentities(traced, this.#training);
    this.#nodes =
      request.fusion === false
        ? this.#traced.graph.nodes
        : fuse(this.#traced, { inference: !this.#training });
    const aliases = this.#nodes.filter(isAlias);
    this.#aliases = new Map(
      aliases.map(({ outputTensor, inputTensors }) => [outputTensor, inputTensors[0]!]),
    );
    this.#transposedGradients = transposedGradients(this.#nodes);
    this.#builder = new ProgramBuilder(request.backend, request.capacity, { byRows: !request.gradients });
    this.#probes = new Probes(request.inspect ? this.#builder : undefined);
    this.#needs = gradientsNeeded(this.#nodes, traced.graph.inputs, request.gradients);
  }

  run(): LoweredProgram {
    const request = this.#request;
    const { graph, output } = this.#traced;
    this.#placeParameters();
    const inputs = graph.inputs.map((input) => this.#importImages(input));
    const views = this.#nodes.map((node) => ({ node, emitter: this.#emitter(node) }));
    for (const { node, emitter } of views) {
      if (isAlias(node)) continue;
      node.op.forward(emitter.emit, node);
      this.#probes.keep('forward', node, node.output, this.#value(node.outputTensor));
    }
    const exported = request.output === false ? undefined : this.#exportImages(output, this.#value(output));
    const loss = request.loss ? this.#emitLoss(request.loss, output) : undefined;
    const gradOutput = request.gradients && !loss ? this.#importGradOutput(output) : undefined;
    if (request.gradients) {
      this.#probes.keep('backward', undefined, output.spec, this.#gradients.get(this.#root(output)));
      for (const { node, emitter } of views.toReversed()) this.#backward(node, emitter);
    }
    const gradInputs = request.gradients === 'parameters and inputs' ? this.#exportGradInputs() : [];
    const gradients = this.#block && this.#reduceGradients(this.#block);
    const norm =
      request.update && gradients
        ? emitUpdate(this.#builder, request.update, this.#block!, gradients, loss?.losses)
        : undefined;
    for (const update of this.#updates) update(loss?.losses);
    const program = this.#builder.build();
    for (const { buffer, values } of this.#constants) program.write(buffer, values);
    const placements = [...this.#parameters.keys()].map((parameter) => ({
      parameter,
      at: parameter.placement,
    }));
    return {
      program,
      images: inputs[0]!,
      inputs,
      output: exported,
      targets: loss?.targets,
      losses: loss?.losses,
      total: loss?.total,
      hits: loss?.hits,
      gradOutput,
      random: this.#random,
      gradInputs,
      gradients,
      norm,
      block: this.#block,
      probes: this.#probes.all,
      needs: this.#training ? batchNeeded(this.#nodes) : undefined,
      current: () => placements.every(({ parameter, at }) => parameter.placement === at),
    };
  }

  #placeParameters(): void {
    const { backend, update } = this.#request;
    const packings = packingsOf(this.#nodes);
    // Groups lie side by side, within them those whose gradient comes transposed: few calls add up their partial sums.
    const order = ([parameter]: [Parameter, unknown]) =>
      2 * (update?.groupOf?.(parameter) ?? 0) + (this.#transposedGradients.has(parameter) ? 0 : 1);
    const trainable = new Map(
      [...packings]
        .filter(([parameter]) => this.#needs.parameters.has(parameter))
        .sort((a, b) => order(a) - order(b)),
    );
    if (trainable.size > 0) {
      this.#block = placeTogether(backend, trainable);
      this.#gradientBlock = placeGradients(this.#builder, this.#block, wholeGradients(this.#nodes));
    }
    placeAnywhere(backend, packings);
    for (const parameter of packings.keys()) {
      const { memory, byteOffset } = parameter.placement!;
      this.#parameters.set(parameter, this.#builder.bound(memory, byteOffset, parameter.size * FLOAT));
    }
  }

  #importImages(input: SymbolicTensor): Buffer {
    const u8 = this.#request.input === 'uint8';
    const source = this.#builder.batch(sizeOf(input.spec) * (u8 ? 1 : FLOAT), true);
    // Denormal numbers would slow every step down, and what is learnt from them gets lost in rounding.
    const flush = !u8 && this.#request.update !== undefined;
    this.#values.set(input, this.#toChannelsLast(input, source, { u8, flush }));
    return source;
  }

  /** NCHW from outside to NHWC; the same buffer where both orders are one, and nothing else is to be done. */
  #toChannelsLast(tensor: SymbolicTensor, source: Buffer, { u8 = false, flush = false } = {}): Buffer {
    const { C, H, W } = imageShape(tensor);
    if (!u8 && !flush && (C === 1 || H * W === 1)) return source;
    const values = this.#builder.batch(C * H * W * FLOAT);
    const params = { C, H, W, u8: u8 ? 1 : 0, flush: flush ? 1 : 0 };
    this.#builder.call('import_images', params, { source, values });
    return values;
  }

  #exportImages(tensor: SymbolicTensor, values: Buffer): Buffer {
    const { C, H, W } = imageShape(tensor);
    const target = this.#builder.batch(C * H * W * FLOAT, true);
    this.#builder.call('export_images', { C, H, W, u8: 0, flush: 0 }, { values, target });
    return target;
  }

  #importGradOutput(output: SymbolicTensor): Buffer {
    const source = this.#builder.batch(sizeOf(output.spec) * FLOAT, true);
    this.#gradients.set(this.#root(output), this.#toChannelsLast(output, source));
    return source;
  }

  #exportGradInputs(): Buffer[] {
    return this.#traced.graph.inputs.map((input) => {
      const grad = this.#gradients.get(input);
      if (!grad)
        throw new ShapeError('the output does not depend on the input: there is no gradient to give');
      return this.#exportImages(input, grad);
    });
  }

  #emitLoss({ op, reduction }: Loss, output: SymbolicTensor) {
    const kind: Targets['kind'] = op.targets(output.spec).kind;
    const size = sizeOf(output.spec) * FLOAT;
    const targets = this.#builder.batch(kind === 'labels' ? Int32Array.BYTES_PER_ELEMENT : size, true);
    const losses = this.#builder.batch(FLOAT, true);
    const hits = kind === 'labels' ? this.#builder.batch(Int32Array.BYTES_PER_ELEMENT, true) : undefined;
    const gradOutputs = this.#request.gradients ? this.#builder.batch(size) : undefined;
    if (gradOutputs) this.#gradients.set(this.#root(output), gradOutputs);
    const emit: LossEmitter = {
      outputs: this.#value(output),
      targets: kind === 'labels' ? targets : this.#toChannelsLast(output, targets),
      losses,
      hits,
      gradOutputs,
      reduction,
      constant: (values) => (values ? this.#constant(Float32Array.from(values)) : undefined),
      whole: () => this.#builder.whole(FLOAT),
      call: (kernel, params, operands) => this.#builder.call(kernel, params, operands),
      prepare: (kernel, params, operands) => this.#builder.call(kernel, params, operands, 'prologue'),
    };
    return { targets, losses, total: op.emit(emit, output.spec), hits };
  }

  #constant(values: Float32Array): Buffer {
    const buffer = this.#builder.whole(values.byteLength);
    this.#constants.push({ buffer, values });
    return buffer;
  }

  /** Emits one node's backward pass; a gradient that has contributions already gets a new one added. */
  #backward(node: GraphNode, { emit, gradInputs }: NodeEmitter): void {
    const upstream = this.#gradients.get(this.#root(node.outputTensor));
    if (isAlias(node) || !upstream) return;
    node.op.backward(emit, node);
    let passed = false;
    for (const [index, buffer] of gradInputs) {
      const tensor = this.#root(node.inputTensors[index]!);
      this.#probes.keep('backward', node, tensor.spec, buffer);
      const size = sizeOf(tensor.spec);
      const earlier = this.#gradients.get(tensor);
      if (earlier) {
        this.#builder.call('add_into', { size }, { x: buffer, y: earlier });
      } else if (buffer === upstream && passed) {
        // The buffer is the gradient of one input already, and will be overwritten as such.
        const copy = this.#builder.batch(size * FLOAT);
        this.#builder.call('copy_into', { size }, { x: buffer, y: copy });
        this.#gradients.set(tensor, copy);
      } else {
        this.#gradients.set(tensor, buffer);
        passed ||= buffer === upstream;
      }
    }
  }

  #reduceGradients(block: ParameterBlock): Buffer {
    const gradients = this.#gradientBlock!;
    reduceGradients(this.#builder, block, gradients, this.#transposedGradients, this.#extraGradients);
    return gradients.gradients;
  }

  #emitter(node: GraphNode): NodeEmitter {
    const saved = new Map<string, Buffer>();
    const gradInputs = new Map<number, Buffer>();
    const wanted = (index: number) => this.#needs.tensors.has(node.inputTensors[index]!);
    const gradOutput = () => this.#gradients.get(this.#root(node.outputTensor))!;
    let stream: number | undefined;
    const differentiated = this.#needs.tensors.has(node.outputTensor);
    const keep = (name: string, buffer: Buffer) => {
      saved.set(name, buffer);
      return buffer;
    };
    const emit: Emitter = {
      training: this.#training,
      input: (index) => this.#value(node.inputTensors[index]!),
      output: () => this.#value(node.outputTensor),
      parameter: (name) => node.parameters[name] && this.#parameters.get(node.parameters[name]),
      transposed: (name, layout) => this.#transposed(node.parameters[name]!, layout),
      save: (name, bytesPerImage) =>
        differentiated ? keep(name, this.#builder.batch(bytesPerImage)) : undefined,
      whole: (name, floats) => keep(name, this.#builder.whole(floats * FLOAT)),
      saved: (name) => saved.get(name)!,
      temporary: (bytesPerImage) => this.#builder.batch(bytesPerImage),
      gradOutput,
      gradInput: (index) => {
        if (!wanted(index)) return undefined;
        const known = gradInputs.get(index);
        const grad = known ?? this.#builder.batch(sizeOf(node.inputs[index]!) * FLOAT);
        gradInputs.set(index, grad);
        return grad;
      },
      passGradient: (index) => {
        if (wanted(index)) gradInputs.set(index, gradOutput());
      },
      gradParameter: (name) => this.#gradParameter(node, name),
      wholeGradient: (name) => this.#wholeGradient(node.parameters[name]),
      random: () => {
        this.#random ??= this.#builder.whole(RANDOM_WORDS * FLOAT);
        stream ??= this.#streams++;
        return { words: this.#random, stream };
      },
      partials: (floats) => this.#builder.partials(floats * FLOAT).part(0, floats * FLOAT),
      everySlice: (partials) => this.#builder.everySlice(partials),
      call: (kernel, params, operands) => this.#builder.call(kernel, params, operands),
      barrier: () => this.#builder.barrier(),
      prepare: (kernel, params, operands) => {
        this.#builder.barrier('prologue');
        this.#builder.call(kernel, params, operands, 'prologue');
      },
      update: (kernel, params, operands) =>
        void this.#updates.push((losses) =>
          this.#builder.call(kernel, params, { ...operands, losses }, 'epilogue'),
        ),
    };
    return { emit, gradInputs };
  }

  #isTrainable(node: GraphNode): boolean {
    return Object.values(node.parameters).some((parameter) => this.#needs.parameters.has(parameter));
  }

  /**
   * Kernels give the gradients of all parameters of a node in one pass, so a frozen one beside a trainable one has
   * a place as well, outside the block.
   */
  #gradParameter(node: GraphNode, name: string): Buffer | undefined {
    const parameter = node.parameters[name];
    if (!parameter || !this.#isTrainable(node)) return undefined;
    const bytes = parameter.size * FLOAT;
    const { partials, sums } = this.#gradientBlock!;
    const offset = sums.get(parameter);
    if (offset === undefined) return this.#builder.partials(bytes).part(0, bytes);
    if (this.#use(parameter) === 0) return partials.part(offset, bytes);
    const extra = this.#builder.partials(bytes);
    this.#extraGradients.push({ parameter, partials: extra.all(0, bytes) });
    return extra.part(0, bytes);
  }

  #wholeGradient(parameter: Parameter | undefined) {
    const offset = parameter && this.#block?.offsets.get(parameter);
    if (!parameter || offset === undefined) return undefined;
    const gradient = this.#builder.view(this.#gradientBlock!.gradients, offset, parameter.size * FLOAT);
    return { gradient, accumulate: this.#use(parameter) > 0 ? (1 as const) : (0 as const) };
  }

  /** Counts the uses of a parameter's gradient; returns how many came before. */
  #use(parameter: Parameter): number {
    const uses = this.#gradientUses.get(parameter) ?? 0;
    this.#gradientUses.set(parameter, uses + 1);
    return uses;
  }

  #transposed(
    parameter: Parameter,
    { groups, taps, IC, OC }: { groups: number; taps: number; IC: number; OC: number },
  ) {
    const known = this.#transposes.get(parameter);
    if (known) return known;
    const weight_t = this.#builder.whole(parameter.size * FLOAT);
    const operands = { weight: this.#parameters.get(parameter), weight_t };
    this.#builder.call(
      'weight_transpose',
      { count: groups * OC, groups, taps, IC, OC },
      operands,
      'prologue',
    );
    this.#transposes.set(parameter, weight_t);
    return weight_t;
  }

  #value(tensor: SymbolicTensor): Buffer {
    const root = this.#root(tensor);
    if (!this.#values.has(root)) this.#values.set(root, this.#builder.batch(sizeOf(root.spec) * FLOAT));
    return this.#values.get(root)!;
  }

  /** The tensor whose buffer this one shares: itself, or what a flatten was made of. */
  #root(tensor: SymbolicTensor): SymbolicTensor {
    const origin = this.#aliases.get(tensor);
    return origin ? this.#root(origin) : tensor;
  }
}

function isAlias(node: GraphNode): boolean {
  return node.op.alias?.(node) ?? false;
}

function batchNeeded(nodes: readonly GraphNode[]): LoweredProgram['needs'] {
  const needs = nodes.map((node) => ({ batch: node.op.leastBatch?.(node) ?? 1, where: node.where }));
  return needs.filter(({ batch }) => batch > 1).sort((a, b) => b.batch - a.batch)[0];
}

/** A tensor's [C, H, W] as it lies in memory; features are 1 x 1 images. */
function imageShape({ spec }: SymbolicTensor): { C: number; H: number; W: number } {
  const [C, H, W] = spec.flattened ?? (spec.shape.length === 3 ? spec.shape : [sizeOf(spec), 1, 1]);
  return { C: C!, H: H!, W: W! };
}
