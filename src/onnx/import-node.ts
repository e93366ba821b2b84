import { FormatError, TwillError } from '../errors.js';
import type { SymbolicTensor } from '../graph/graph.js';
import type { Module } from '../nn/module.js';
import { show } from '../options.js';
import { Attributes } from './attributes.js';
import { Constant } from './constant.js';
import type { ModelBuilder } from './model-builder.js';
import type { NodeProto } from './proto.js';
import { affineOf } from './import-affine.js';
import {
  type FunctionValue,
  sealed,
  type SizesValue,
  sizesOf,
  type TensorValue,
  type Value,
} from './value.js';

/** What a node may ask of the graph that it is in. */
export interface Surroundings {
  readonly builder: ModelBuilder;
  readonly opset: number;
  /** The batch that the file was made for; undefined where it is open. */
  readonly batch: number | undefined;
  value(name: string): Value | undefined;
  /** The same, where it is no error that there is none yet. */
  known(name: string): Value | undefined;
  /** The only node that uses a tensor; undefined where several do, or where the graph gives it. */
  onlyUse(name: string): NodeProto | undefined;
  /** Says that another node is done with: what it gives is what this one gives. */
  absorb(node: NodeProto): void;
  /** Takes note that so many elements become parameters; throws where that is more than a file can mean. */
  take(elements: number): void;
  fail(reason: string): FormatError;
}

/** A node of a file on its way into a model. */
export class ImportedNode {
  readonly type: string;
  readonly attributes: Attributes;
  readonly graph: Surroundings;
  readonly #node: NodeProto;

  constructor(node: NodeProto, graph: Surroundings) {
    this.#node = node;
    this.graph = graph;
    this.type = node.op_type ?? '';
    const fail = (reason: string) => this.fail(reason);
    this.attributes = new Attributes(node.attribute, ({ t }) => t && new Constant(t, graph.fail), fail);
  }

  /** Number of inputs. */
  get inputs(): number {
    return this.#node.input.length;
  }

  /** Name of what it gives. */
  get output(): string {
    return this.#node.output[0] ?? '';
  }

  /** An error about this node. */
  fail(reason: string, cause?: unknown): FormatError {
    const { name } = this.#node;
    const error = this.graph.fail(`node ${show(name || this.output)} (${this.type}) ${reason}`);
    error.cause = cause;
    return error;
  }

  /** What an input stands for; undefined where it is left out. */
  input(at: number): Value | undefined {
    const name = this.#node.input[at];
    const value = name ? this.graph.value(name) : undefined;
    // What others read, too, nobody may change afterwards.
    return value?.kind === 'tensor' && !this.readsAlone(at) ? sealed(value) : value;
  }

  /** Whether nothing else reads an input. */
  readsAlone(at: number): boolean {
    return this.graph.onlyUse(this.#node.input[at] ?? '') === this.#node;
  }

  /** An input that depends on the images. */
  tensor(at: number): TensorValue {
    const value = this.image(at);
    if (value.groups !== undefined) throw this.fail('reads images whose channels are in groups');
    return value;
  }

  /** The same, also where the file has its channels in groups. */
  image(at: number): TensorValue {
    const found = this.input(at);
    const value = found?.kind === 'function' ? this.#made(found, at) : found;
    if (value?.kind === 'moment') throw this.fail(`reads the ${value.stage} of images as input ${at}`);
    if (value?.kind !== 'tensor') throw this.fail(`needs a tensor that depends on the images as input ${at}`);
    if (value.unscaled) throw this.fail('reads bytes of the images that are not cast to floats first');
    return value;
  }

  #made(value: FunctionValue, at: number): TensorValue {
    const made = value.tensor();
    return this.readsAlone(at) ? made : sealed(made);
  }

  /** An input of C x H x W images (or of features) that lie as PyTorch has them. */
  plain(at: number): TensorValue {
    const value = this.tensor(at);
    if (value.channelsLast || value.mixed) throw this.fail('reads images whose channels are last');
    return value;
  }

  /** An input that is a constant; undefined where it is left out. */
  optional(at: number): Constant | undefined {
    const value = this.input(at);
    if (value === undefined) return undefined;
    if (value.kind !== 'constant')
      throw this.fail(`needs a constant as input ${at}: Twill learns weights only`);
    return value.constant;
  }

  constant(at: number): Constant {
    const found = this.optional(at);
    if (!found) throw this.fail(`lacks its input ${at}`);
    return found;
  }

  /** Values of a constant that become a parameter. */
  floats(constant: Constant): Float32Array {
    this.graph.take(constant.size);
    return constant.floats();
  }

  /** Numbers that are known while importing; undefined is the batch. */
  sizes(at: number): SizesValue['values'] {
    const value = this.input(at);
    const found = value && sizesOf(value);
    if (!found) throw this.fail(`needs numbers that are known in advance as input ${at}`);
    return found.values;
  }

  /**
   * The constant that the next node combines with what this one gives, where nothing else uses that, it is such a node
   * and `fits` it. That node is done with then.
   */
  constantThatFollows(type: string, fits: (constant: Constant) => boolean): Constant | undefined {
    const next = this.graph.onlyUse(this.output);
    if (next?.op_type !== type || next.domain || next.input.length !== 2) return undefined;
    const other = next.input.find((name) => name !== this.output);
    const value = other ? this.graph.known(other) : undefined;
    if (value?.kind !== 'constant' || !fits(value.constant)) return undefined;
    this.graph.absorb(next);
    return value.constant;
  }

  /**
   * The constant that the next node adds: the bias of this one.
   * @param most the sizes that it may have, the leading ones left out or 1
   */
  biasThatFollows(size: number, most: readonly number[]): Constant | undefined {
    const expected = most.slice(most.findIndex((one) => one !== 1)).join();
    return this.constantThatFollows('Add', ({ dims, size: given }) => {
      const own = dims.slice(dims.findIndex((one) => one !== 1)).join();
      return given === size && (size === 1 || own === expected);
    });
  }

  /** Whether all that is made of what this node gives is arithmetic with a constant. */
  meetsConstant(): boolean {
    const next = this.graph.onlyUse(this.output);
    if (!next || next.domain || !['Add', 'Div', 'Mul', 'Sub'].includes(next.op_type ?? '')) return false;
    return next.input.some((name) => name !== '' && this.graph.known(name)?.kind === 'constant');
  }

  /** Applies a module of the imported model to `x`; `weight` tells what to call it. */
  layer(x: TensorValue, make: () => Module, weight?: Constant): TensorValue {
    let module: Module | undefined;
    const made = this.#built(x, [x], () => {
      module = make();
      this.graph.builder.place(weight?.name ?? '', this.#node.name || this.output || this.type, module);
      return ([input]) => module!.forward(input!);
    });
    return { ...made, affine: module && affineOf(module) };
  }

  /** Applies a function to tensors; what is said of how `like` lies holds for the result, too. */
  apply(
    like: TensorValue,
    inputs: readonly TensorValue[],
    use: (inputs: readonly SymbolicTensor[]) => SymbolicTensor,
  ): TensorValue {
    return this.#built(like, inputs, () => use);
  }

  #built(
    like: TensorValue,
    inputs: readonly TensorValue[],
    make: () => (inputs: readonly SymbolicTensor[]) => SymbolicTensor,
  ): TensorValue {
    try {
      return { ...sealed(like), ...this.graph.builder.step(inputs, make()) };
    } catch (error) {
      // Sizes and options that the modules refuse: the file asks for what cannot be.
      if (!(error instanceof TwillError) || error instanceof FormatError) throw error;
      throw this.fail(`does not fit: ${error.message}`, error);
    }
  }
}
