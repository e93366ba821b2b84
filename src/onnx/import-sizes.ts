import type { ImportedNode } from './import-node.js';
import { fileShape, type SizesValue, sizesOf, type Value } from './value.js';

// Arithmetic on shapes, as x.view(x.size(0), -1) leaves it in a file: done here, once.

const vector = (values: SizesValue['values']): SizesValue => ({ kind: 'sizes', values, scalar: false });

function sizes(node: ImportedNode, at: number): SizesValue {
  const found = vectorOrMatrix(node, at);
  if (found.columns !== undefined) throw node.fail(`reads a matrix of known numbers as input ${at}`);
  return found;
}

function vectorOrMatrix(node: ImportedNode, at: number): SizesValue {
  const value = node.input(at);
  const found = value && sizesOf(value);
  if (!found) throw node.fail(`needs numbers that are known in advance as input ${at}`);
  return found;
}

/** Whole numbers that are known, without the batch. */
export function wholeNumbers(node: ImportedNode, at: number): number[] {
  return sizes(node, at).values.map((one) => {
    if (!Number.isSafeInteger(one)) throw node.fail(`needs whole numbers as input ${at}`);
    return one!;
  });
}

/** Position `index` of `length`, counted from the end where it is negative. */
function position(node: ImportedNode, index: number, length: number): number {
  const at = index < 0 ? index + length : index;
  if (!(at >= 0 && at < length)) throw node.fail(`asks for number ${index} of ${length}`);
  return at;
}

function gather(node: ImportedNode): SizesValue {
  node.attributes.int('axis', 0);
  const { values } = sizes(node, 0);
  const indices = wholeNumbers(node, 1).map((index) => values[position(node, index, values.length)]);
  return { kind: 'sizes', values: indices, scalar: sizes(node, 1).scalar };
}

/** Axes come as an attribute, since opset 13 as an input. */
function ignoreAxes(node: ImportedNode): void {
  node.attributes.ignore('axes');
}

function unsqueeze(node: ImportedNode): SizesValue {
  ignoreAxes(node);
  if (!sizes(node, 0).scalar) throw node.fail('makes a matrix of a vector');
  return vector(sizes(node, 0).values);
}

function squeeze(node: ImportedNode): SizesValue {
  ignoreAxes(node);
  const { values } = sizes(node, 0);
  if (values.length !== 1) throw node.fail(`makes one number of ${values.length}`);
  return { kind: 'sizes', values, scalar: true };
}

/** Along the first axis, forwards or backwards. */
function slice(node: ImportedNode): SizesValue {
  const { values, columns = 1, ...rest } = vectorOrMatrix(node, 0);
  const [starts, ends] = ['starts', 'ends'].map((name, i) => {
    return node.attributes.list(name) ?? wholeNumbersUpToEnd(node, i + 1);
  });
  node.attributes.ignore('axes');
  const axes = node.input(3) ? wholeNumbers(node, 3) : [0];
  const [step = 1] = node.input(4) ? wholeNumbers(node, 4) : [];
  if (Math.abs(step) !== 1 || axes.length !== 1 || axes[0] !== 0) {
    throw node.fail('has steps other than 1 and -1, or other axes than the first');
  }
  const rows = Array.from({ length: values.length / columns }, (_, row) => {
    return values.slice(row * columns, (row + 1) * columns);
  });
  const [start, end] = [starts![0] ?? 0, ends![0] ?? 0];
  const fromStart = (at: number) => (at < 0 ? at + rows.length : at);
  const kept =
    step === 1
      ? rows.slice(start, end)
      : rows.filter((_, at) => at <= fromStart(start) && at > fromStart(end)).reverse();
  return { ...vector(kept.flat()), ...(columns > 1 && { ...rest, columns }) };
}

/** A vector as a matrix, and back. */
function reshape(node: ImportedNode): SizesValue {
  const { values } = vectorOrMatrix(node, 0);
  node.attributes.ignore('allowzero');
  const [first, columns, ...others] = wholeNumbers(node, 1);
  const fits = columns === undefined || (columns > 0 && values.length % columns === 0);
  if (others.length > 0 || !fits || (first !== -1 && first! * (columns ?? 1) !== values.length)) {
    throw node.fail(`makes another shape of ${values.length} known numbers`);
  }
  return { ...vector(values), ...(columns !== undefined && { columns }) };
}

function transposed(node: ImportedNode): SizesValue {
  const matrix = vectorOrMatrix(node, 0);
  const { values, columns = values.length } = matrix;
  const perm = String(node.attributes.list('perm') ?? '1,0');
  if (matrix.columns === undefined || perm !== '1,0') throw node.fail(`turns known numbers around (${perm})`);
  const rows = values.length / columns;
  const turned = values.map((_, at) => values[(at % rows) * columns + Math.floor(at / rows)]);
  return { ...vector(turned), columns: rows };
}

function filled(node: ImportedNode): SizesValue {
  const [length = 1, ...others] = wholeNumbers(node, 0);
  const value = node.attributes.tensor('value')?.numbers()[0] ?? 0;
  if (others.length > 0 || !(length >= 0 && length <= 64))
    throw node.fail('makes more than a list of 64 numbers');
  return vector(new Array<number>(length).fill(value));
}

/** "To the end" is the largest whole number of 64 bits, which is more than a number here holds exactly. */
export function wholeNumbersUpToEnd(node: ImportedNode, at: number): number[] {
  return sizes(node, at).values.map((one) => Math.min(one ?? 0, Number.MAX_SAFE_INTEGER));
}

function concat(node: ImportedNode): SizesValue {
  node.attributes.int('axis', 0);
  const all = Array.from({ length: node.inputs }, (_, at) => sizes(node, at).values);
  const values = all.flat();
  if (values.length > 64) throw node.fail(`makes a shape of ${values.length} numbers`);
  return vector(values);
}

function shape(node: ImportedNode): SizesValue {
  const all = [undefined, ...fileShape(node.tensor(0))];
  return vector(all.slice(node.attributes.int('start', 0), node.attributes.int('end', undefined)));
}

/** What a node computes of each of two lists, or of one and a number; the batch stays what it is only times 1. */
const arithmetic =
  (f: (a: number, b: number) => number) =>
  (node: ImportedNode): SizesValue => {
    const [a, b] = [sizes(node, 0), sizes(node, 1)];
    const length = Math.max(a.values.length, b.values.length);
    const of = ({ values }: SizesValue, at: number) => values[values.length === 1 ? 0 : at];
    const fits = [a, b].every(({ values }) => values.length === 1 || values.length === length);
    if (!fits) throw node.fail(`computes with ${a.values.length} and ${b.values.length} numbers`);
    const values = Array.from({ length }, (_, at) => {
      const [one, other] = [of(a, at), of(b, at)];
      if (node.type === 'Mul' && (one === 1 || other === 1)) return one === 1 ? other : one;
      if (one === undefined || other === undefined) throw node.fail('computes with the number of images');
      return f(one, other);
    });
    return { kind: 'sizes', values, scalar: a.scalar && b.scalar };
  };

/** Readers of nodes whose inputs are all numbers that are known while importing, by operator. */
export const SIZE_READERS: ReadonlyMap<string, (node: ImportedNode) => Value> = new Map(
  Object.entries({
    Add: arithmetic((a, b) => a + b),
    Cast: (node: ImportedNode) => {
      node.attributes.ignore('to', 'saturate');
      return sizes(node, 0);
    },
    Concat: concat,
    ConstantOfShape: filled,
    Div: arithmetic((a, b) => Math.trunc(a / b)),
    Gather: gather,
    Mul: arithmetic((a, b) => a * b),
    Reshape: reshape,
    Slice: slice,
    Squeeze: squeeze,
    Transpose: transposed,
    Sub: arithmetic((a, b) => a - b),
    Unsqueeze: unsqueeze,
  }),
);

export { shape as readShape };
