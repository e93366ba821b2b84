import type { ImportedNode } from './import-node.js';
import { fileShape, type SizesValue, sizesOf, type Value } from './value.js';

// Arithmetic on shapes, as x.view(x.size(0), -1) leaves it in a file: done here, once.

const vector = (values: SizesValue['values']): SizesValue => ({ kind: 'sizes', values, scalar: false });

function sizes(node: ImportedNode, at: number): SizesValue {
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

function slice(node: ImportedNode): SizesValue {
  const { values } = sizes(node, 0);
  const [starts, ends] = ['starts', 'ends'].map((name, i) => {
    return node.attributes.list(name) ?? wholeNumbersUpToEnd(node, i + 1);
  });
  node.attributes.ignore('axes');
  if (node.input(4) && wholeNumbers(node, 4).some((step) => step !== 1))
    throw node.fail('has steps other than 1');
  return vector(values.slice(starts![0], ends![0]));
}

/** "To the end" is the largest whole number of 64 bits, which is more than a number here holds exactly. */
function wholeNumbersUpToEnd(node: ImportedNode, at: number): number[] {
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

/** Readers of nodes whose inputs are all numbers that are known while importing, by operator. */
export const SIZE_READERS: ReadonlyMap<string, (node: ImportedNode) => Value> = new Map(
  Object.entries({
    Cast: (node: ImportedNode) => {
      node.attributes.ignore('to', 'saturate');
      return sizes(node, 0);
    },
    Concat: concat,
    Gather: gather,
    Slice: slice,
    Squeeze: squeeze,
    Unsqueeze: unsqueeze,
  }),
);

export { shape as readShape };
