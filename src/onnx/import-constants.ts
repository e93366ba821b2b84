import { Constant } from './constant.js';
import type { ImportedNode } from './import-node.js';
import { wholeNumbers } from './import-sizes.js';
import { transpose } from './parameters.js';
import { type AttributeProto, DataType, type TensorProto } from './proto.js';
import type { ConstantValue, Value } from './value.js';

// Weights that a file turns before it uses them, as PyTorch writes them where it folds no constants.

/** The tensor that a node Constant gives, by whichever of its attributes it is told. */
export function tensorOf(attributes: readonly AttributeProto[]): TensorProto | undefined {
  for (const { name, t, f = 0, i = 0, floats = [], ints = [] } of attributes) {
    if (name === 'value') return t;
    if (name === 'value_float') return { dims: [], data_type: DataType.float, float_data: [f] };
    if (name === 'value_int') return { dims: [], data_type: DataType.int64, int64_data: [i] };
    if (name === 'value_floats')
      return { dims: [floats.length], data_type: DataType.float, float_data: floats };
    if (name === 'value_ints') return { dims: [ints.length], data_type: DataType.int64, int64_data: ints };
  }
  return undefined;
}

const seen = (constant: Constant, dims: readonly number[]): ConstantValue => ({
  kind: 'constant',
  constant: constant.reshaped(dims),
});

/** Axes come as an attribute, since opset 13 as an input; those counted from the end are of `rank` dimensions. */
export function axesOf(node: ImportedNode, rank: number): number[] | undefined {
  const given = node.attributes.list('axes') ?? (node.input(1) ? wholeNumbers(node, 1) : undefined);
  return given?.map((axis) => (axis < 0 ? axis + rank : axis));
}

function unsqueeze(node: ImportedNode): Value {
  const constant = node.constant(0);
  const count = node.attributes.list('axes')?.length ?? (node.input(1) ? wholeNumbers(node, 1).length : 0);
  const rank = constant.dims.length + count;
  const axes = axesOf(node, rank) ?? [];
  const rest = constant.dims[Symbol.iterator]();
  const dims = Array.from({ length: rank }, (_, at) =>
    axes.includes(at) ? 1 : Number(rest.next().value ?? 1),
  );
  return seen(constant, dims);
}

function squeeze(node: ImportedNode): Value {
  const constant = node.constant(0);
  const axes = axesOf(node, constant.dims.length);
  return seen(
    constant,
    constant.dims.filter((size, at) => (axes ? !axes.includes(at) : size !== 1)),
  );
}

function reshape(node: ImportedNode): Value {
  const constant = node.constant(0);
  node.attributes.ignore('allowzero');
  const asked = node.attributes.list('shape') ?? wholeNumbers(node, 1);
  const dims = asked.map((size, at) => (size === 0 ? constant.dims[at]! : size));
  const known = dims.reduce((product, size) => product * (size === -1 ? 1 : size), 1);
  return seen(
    constant,
    dims.map((size) => (size === -1 ? constant.size / known : size)),
  );
}

function turned(node: ImportedNode): Value {
  const constant = node.constant(0);
  const [rows, columns] = constant.dims as [number, number];
  const perm = String(node.attributes.ints('perm', constant.dims.length) ?? '1,0');
  if (constant.dims.length !== 2 || perm !== '1,0')
    throw node.fail(`turns a constant's axes around (${perm})`);
  const values = Array.from(transpose(node.floats(constant), rows, columns));
  const { name } = constant;
  const tensor = { name, dims: [columns, rows], data_type: DataType.float, float_data: values };
  return { kind: 'constant', constant: new Constant(tensor, (reason) => node.fail(reason)) };
}

function same(node: ImportedNode): Value {
  node.attributes.ignore('to', 'saturate');
  return node.input(0)!;
}

/** Readers of nodes whose first input is a constant, by operator. */
export const CONSTANT_READERS: ReadonlyMap<string, (node: ImportedNode) => Value> = new Map(
  Object.entries({
    Cast: same,
    Identity: same,
    Reshape: reshape,
    Squeeze: squeeze,
    Transpose: turned,
    Unsqueeze: unsqueeze,
  }),
);
