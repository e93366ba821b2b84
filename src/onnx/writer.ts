import {
  type AttributeProto,
  AttributeType,
  DataType,
  type DimensionProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from './proto.js';

/** A value of an attribute: whole numbers become INT and INTS; a FLOAT says that it is one. */
export type AttributeValue = number | readonly number[] | string | { readonly float: number };

/** Collects the nodes and initializers of a graph. */
export class GraphWriter {
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  readonly #names = new Set<string>();
  #opset = 17;

  /** Version of the operators that the file is written in: that of 2022, where nothing needs a later one. */
  get opset(): number {
    return this.#opset;
  }

  /** Notes that an operator came with a later version. */
  needs(opset: number): void {
    this.#opset = Math.max(this.#opset, opset);
  }

  /** A name that nothing else in the graph has: `wanted`, or with a number. */
  name(wanted: string): string {
    let name = wanted;
    for (let more = 1; this.#names.has(name); more++) name = `${wanted}_${more}`;
    this.#names.add(name);
    return name;
  }

  /**
   * Adds a node of one output and returns that output's name. Inputs that are undefined are optional ones left out.
   * @param name of the node and of its output
   */
  node(
    name: string,
    type: string,
    inputs: readonly (string | undefined)[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
  ): string {
    const output = this.name(name);
    const last = inputs.findLastIndex((input) => input !== undefined);
    this.nodes.push({
      input: inputs.slice(0, last + 1).map((input) => input ?? ''),
      output: [output],
      name: output,
      op_type: type,
      attribute: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
    });
    return output;
  }

  /** Makes `tensor` what the graph gives, by the name `output`. */
  end(tensor: string, output: string): void {
    const rename = (name: string) => (name === tensor ? output : name);
    const made = this.nodes.some(({ output: [name] }) => name === tensor);
    for (const [at, node] of this.nodes.entries()) {
      if (made) this.nodes[at] = { ...node, input: node.input.map(rename), output: node.output.map(rename) };
    }
    // A graph's input cannot be its output.
    if (!made)
      this.nodes.push({
        input: [tensor],
        output: [output],
        op_type: 'Identity',
        name: output,
        attribute: [],
      });
  }

  /** Adds a tensor of constants and returns its name. */
  floats(name: string, values: Float32Array, shape: readonly number[]): string {
    const raw_data = littleEndian(values.length, (view, at) => view.setFloat32(4 * at, values[at]!, true), 4);
    return this.#initializer({ dims: shape, data_type: DataType.float, raw_data }, name);
  }

  /** A vector of whole numbers: shapes, axes, pads. */
  integers(name: string, values: readonly number[]): string {
    const set = (view: DataView, at: number) => view.setBigInt64(8 * at, BigInt(values[at]!), true);
    const raw_data = littleEndian(values.length, set, 8);
    return this.#initializer({ dims: [values.length], data_type: DataType.int64, raw_data }, name);
  }

  #initializer(tensor: TensorProto, wanted: string): string {
    const name = this.name(wanted);
    this.initializers.push({ ...tensor, name });
    return name;
  }
}

/** The format's raw data are little-endian on every machine. */
function littleEndian(count: number, set: (view: DataView, at: number) => void, size: number): Uint8Array {
  const bytes = new Uint8Array(count * size);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < count; at++) set(view, at);
  return bytes;
}

function attribute(name: string, value: AttributeValue): AttributeProto {
  if (typeof value === 'number') return { name, i: value, type: AttributeType.int };
  if (typeof value === 'string')
    return { name, s: new TextEncoder().encode(value), type: AttributeType.string };
  if ('float' in value) return { name, f: value.float, type: AttributeType.float };
  return { name, ints: value, type: AttributeType.ints };
}

/** What a graph takes or gives: a batch of any size, `N`, of `shape`. */
export function batchOf(name: string, elem_type: number, shape: readonly number[]): ValueInfoProto {
  const sizes = shape.map((dim_value): DimensionProto => ({ dim_value }));
  return { name, type: { tensor_type: { elem_type, shape: { dim: [{ dim_param: 'N' }, ...sizes] } } } };
}
