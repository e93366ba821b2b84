import { FormatError, OptionError } from '../errors.js';
import { Graph } from '../graph/graph.js';
import { decodeMessage } from '../io/protobuf.js';
import type { Module } from '../nn/module.js';
import { checkOptions, show, text } from '../options.js';
import { Constant } from './constant.js';
import { CONSTANT_READERS, tensorOf } from './import-constants.js';
import { ImportedNode, type Surroundings } from './import-node.js';
import { NODE_READERS } from './import-ops.js';
import { SIZE_READERS } from './import-sizes.js';
import { ModelBuilder } from './model-builder.js';
import { inputOf } from './model-input.js';
import { type GraphProto, MODEL, type ModelProto, type NodeProto } from './proto.js';
import { sizesOf, type Value } from './value.js';

/** What `importOnnx` may be told. */
export interface ImportOnnxOptions {
  /** What errors call the file; default `the ONNX data`. */
  name?: string;
  /** [C, H, W] of one image, or [features]; needed where the file leaves them open. */
  inputShape?: readonly number[];
}

/** The first that has the operators as they are read here. */
const LEAST_OPSET = 7;
/** Ten times what the deepest networks for images have. */
const MOST_NODES = 10_000;

/**
 * A model from an ONNX file, to apply, train and save as any other: of a network for images that Twill has ops for, as
 * PyTorch and Keras (tf2onnx) export them. It takes images as Twill does, N x C x H x W, also where the file has the
 * channels last; the batch is open. Parameters have the names of the file's weights where these look like PyTorch's.
 * Throws `FormatError` for what is no such file, naming the node that Twill has no op for, before anything is made;
 * `OptionError` for options it cannot use.
 */
export function importOnnx(bytes: Uint8Array, options?: ImportOnnxOptions): Module {
  const where = 'importOnnx';
  const checked = checkOptions(where, options, ['name', 'inputShape']);
  if (!(bytes instanceof Uint8Array)) {
    throw new OptionError(`[${where}] expected the bytes of a file, a Uint8Array, but got ${show(bytes)}`);
  }
  const { inputShape } = checked;
  if (inputShape !== undefined) checkShape(inputShape);
  const name = text(where, 'name', checked.name ?? 'the ONNX data');
  const fail = (reason: string) => new FormatError(`[onnx] ${name}: ${reason}`);
  const file = decodeMessage<ModelProto>(MODEL, bytes, fail);
  const { graph } = file;
  if (!graph) throw fail('it holds no graph: it is no ONNX file');
  const opset = opsetOf(file, fail);
  if (graph.node.length > MOST_NODES)
    throw fail(`it has ${graph.node.length} nodes, more than ${MOST_NODES}`);
  return new GraphImport(graph, opset, bytes.length, inputShape, fail).run();
}

function checkShape(shape: readonly number[]): void {
  const fits = Array.isArray(shape) && [1, 3].includes(shape.length);
  if (!fits || !shape.every((size) => Number.isSafeInteger(size) && size > 0)) {
    throw new OptionError(`[importOnnx] inputShape must be [C, H, W] or [features] but is ${show(shape)}`);
  }
}

/** `ai.onnx` is the long name of the default domain. */
const isDefault = (domain = '') => domain === '' || domain === 'ai.onnx';

function opsetOf({ opset_import }: ModelProto, fail: (reason: string) => Error): number {
  const version = opset_import.find(({ domain }) => isDefault(domain))?.version;
  if (version === undefined) throw fail('it does not say which version of the operators it uses');
  if (!(version >= LEAST_OPSET)) {
    throw fail(`it uses opset ${version}, but Twill reads ${LEAST_OPSET} and later`);
  }
  return version;
}

/** One import: goes through the nodes in their order, and gives every name a value. */
class GraphImport implements Surroundings {
  readonly opset: number;
  readonly batch: number | undefined;
  readonly builder: ModelBuilder;
  readonly fail: (reason: string) => FormatError;
  readonly #graph: GraphProto;
  readonly #nodes: readonly NodeProto[];
  readonly #values = new Map<string, Value>();
  /** Of nodes that are done with already, what they give. */
  readonly #absorbed = new Map<NodeProto, string>();
  readonly #uses = new Map<string, NodeProto[]>();
  /** Elements that may still become parameters: files that use one tensor again and again end here. */
  #room: number;
  #current = '';

  constructor(
    graph: GraphProto,
    opset: number,
    bytes: number,
    inputShape: readonly number[] | undefined,
    fail: (reason: string) => FormatError,
  ) {
    this.#graph = graph;
    this.opset = opset;
    this.fail = fail;
    this.#room = 4 * bytes;
    this.#readConstants();
    this.#nodes = needed(graph, this.#outputName(), fail);
    for (const node of this.#nodes) {
      for (const name of new Set(node.input)) {
        const uses = this.#uses.get(name);
        if (uses) uses.push(node);
        else this.#uses.set(name, [node]);
      }
    }
    const input = inputOf(graph, this.#values, (name) => this.#uses.get(name) ?? [], inputShape, fail);
    this.batch = input.batch;
    const traced = new Graph([{ shape: input.shape }]);
    this.builder = new ModelBuilder(traced);
    const { channelsLast, unscaled } = input;
    this.#values.set(input.name, { kind: 'tensor', ...this.builder.input, channelsLast, unscaled });
  }

  run(): Module {
    for (const node of this.#nodes) this.#read(node);
    const last = this.#values.get(this.#outputName());
    const output = last?.kind === 'function' ? last.tensor() : last;
    if (output?.kind !== 'tensor') throw this.fail('its output does not depend on the images');
    if (output.mixed)
      throw this.fail('its output is flattened with the channels last, which Twill does not do');
    if (output.groups !== undefined) throw this.fail('its output has its channels in groups');
    if (output.unscaled) throw this.fail('its output are the images themselves');
    return this.builder.finish(output.index);
  }

  value(name: string): Value | undefined {
    const value = this.#values.get(name);
    if (!value) {
      throw this.fail(`node ${show(this.#current)} uses ${show(name)}, which no node before it gives`);
    }
    return value;
  }

  known(name: string): Value | undefined {
    return this.#values.get(name);
  }

  onlyUse(name: string): NodeProto | undefined {
    const uses = this.#uses.get(name) ?? [];
    return uses.length === 1 && name !== this.#outputName() ? uses[0] : undefined;
  }

  absorb(node: NodeProto): void {
    this.#absorbed.set(node, this.#current);
  }

  take(elements: number): void {
    this.#room -= elements;
    if (this.#room < 0) throw this.fail('it makes parameters of the same tensors again and again');
  }

  #outputName(): string {
    const { output } = this.#graph;
    if (output.length !== 1) {
      throw this.fail(`it has ${output.length} outputs, but Twill's models have one`);
    }
    return output[0]!.name ?? '';
  }

  /** Initializers, and what nodes give that take nothing. */
  #readConstants(): void {
    if (this.#graph.sparse_initializer?.length) throw this.fail('it has sparse tensors');
    for (const tensor of this.#graph.initializer) {
      this.#define(tensor.name ?? '', { kind: 'constant', constant: new Constant(tensor, this.fail) });
    }
    for (const node of this.#graph.node) {
      const [name] = node.output;
      if (node.op_type !== 'Constant' || !isDefault(node.domain) || name === undefined) continue;
      const value = tensorOf(node.attribute);
      if (!value) continue;
      this.#define(name, { kind: 'constant', constant: new Constant({ ...value, name }, this.fail) });
    }
  }

  #define(name: string, value: Value): void {
    if (this.#values.has(name)) throw this.fail(`it defines ${show(name)} twice`);
    this.#values.set(name, value);
  }

  #read(proto: NodeProto): void {
    const [name = '', ...others] = proto.output;
    if (proto.op_type === 'Constant' && this.#values.has(name)) return;
    this.#current = name;
    for (const other of others) {
      if (this.#uses.has(other)) {
        throw this.fail(
          `node ${show(this.#current)} (${proto.op_type}) gives ${show(other)} besides, and it is used`,
        );
      }
    }
    const absorbed = this.#absorbed.get(proto);
    if (absorbed !== undefined) {
      this.#define(name, this.#values.get(absorbed)!);
      return;
    }
    const node = new ImportedNode(proto, this);
    const value = this.#reader(proto)(node);
    node.attributes.finish();
    this.#define(name, value);
  }

  #reader({ op_type = '', domain, name, output, input }: NodeProto) {
    if (isDefault(domain)) {
      const [first] = input;
      const isConstant = first !== undefined && first !== '' && this.value(first)!.kind === 'constant';
      const seen = isConstant ? CONSTANT_READERS.get(op_type) : undefined;
      const allKnown = input.every((one) => one === '' || sizesOf(this.value(one)!) !== undefined);
      const arithmetic = allKnown ? SIZE_READERS.get(op_type) : undefined;
      const read = seen ?? arithmetic ?? NODE_READERS.get(op_type);
      if (read) return read;
    }
    const type = `${isDefault(domain) ? '' : `${domain}.`}${op_type}`;
    throw this.fail(
      `node ${show(name || (output[0] ?? ''))} is a ${type}, which Twill has no op for; it reads ${SUPPORTED}`,
    );
  }
}

const SUPPORTED = [...new Set([...NODE_READERS.keys(), ...SIZE_READERS.keys(), 'Constant'])]
  .sort()
  .join(', ');

/** The nodes that the output needs, in the file's order, which is one in which they can run. */
function needed(graph: GraphProto, output: string, fail: (reason: string) => Error): NodeProto[] {
  const names = new Set([output]);
  const given = new Set<string>();
  const nodes: NodeProto[] = [];
  for (const node of graph.node.toReversed()) {
    for (const name of node.output) {
      if (name && given.has(name)) throw fail(`it defines ${show(name)} twice`);
      given.add(name);
    }
    if (!node.output.some((name) => name !== '' && names.has(name))) continue;
    nodes.push(node);
    for (const name of node.input) names.add(name);
  }
  return nodes.reverse();
}
