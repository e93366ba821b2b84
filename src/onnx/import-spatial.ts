import { ConstantPad2d } from '../nn/pad2d.js';
import { axesOf } from './import-constants.js';
import { flattened } from './import-layout.js';
import type { ImportedNode } from './import-node.js';
import { wholeNumbers, wholeNumbersUpToEnd } from './import-sizes.js';
import { fileShape, type TensorValue } from './value.js';

// Height and width cut, dropped and made.

/** Files say so with the largest whole number of 32 or of 64 bits. */
const TO_THE_END = 2 ** 31 - 1;

/** The axes that height and width are in the file. */
const spatialAxes = ({ channelsLast }: TensorValue) => (channelsLast ? [1, 2] : [2, 3]);

/** What a cut leaves of rows and columns: a pad of less than nothing. */
export function readSlice(node: ImportedNode): TensorValue {
  const x = node.tensor(0);
  const shape = [Number.NaN, ...fileShape(x)];
  const given = (name: string, at: number) =>
    node.attributes.list(name) ?? (node.input(at) ? wholeNumbersUpToEnd(node, at) : undefined);
  const [starts = [], ends = []] = [given('starts', 1), given('ends', 2)];
  const axes = (given('axes', 3) ?? starts.map((_, at) => at)).map((axis) =>
    axis < 0 ? axis + shape.length : axis,
  );
  if (node.input(4) && wholeNumbers(node, 4).some((step) => step !== 1))
    throw node.fail('has steps other than 1');
  const cuts = new Map<number, [before: number, after: number]>();
  for (const [i, axis] of axes.entries()) {
    const size = shape[axis] ?? Number.NaN;
    const [start, end] = [starts[i]!, ends[i] ?? Number.NaN].map((at) =>
      Math.min(at < 0 ? at + size : at, size),
    );
    // All of an axis may be sliced, also of the batch.
    if (starts[i] === 0 && (ends[i] ?? 0) >= (axis === 0 ? TO_THE_END : size)) continue;
    if (shape.length !== 4 || !spatialAxes(x).includes(axis)) {
      throw node.fail(`cuts axis ${axis} of N x ${fileShape(x).join(' x ')}, other than height and width`);
    }
    cuts.set(axis, [Math.max(0, start!), size - end!]);
  }
  if (cuts.size === 0) return x;
  const [[top, bottom], [left, right]] = spatialAxes(x).map((axis) => cuts.get(axis) ?? [0, 0]) as [
    [number, number],
    [number, number],
  ];
  return node.layer(x, () => new ConstantPad2d([-left, -right, -top, -bottom], 0));
}

/** Height and width, where both are 1. */
export function readSqueeze(node: ImportedNode): TensorValue {
  const x = node.tensor(0);
  const shape = [Number.NaN, ...fileShape(x)];
  const axes = axesOf(node, shape.length) ?? shape.flatMap((size, at) => (size === 1 ? [at] : []));
  if (
    shape.length !== 4 ||
    axes.toSorted().join() !== spatialAxes(x).join() ||
    axes.some((at) => shape[at] !== 1)
  ) {
    throw node.fail(
      `drops the axes ${axes.join(', ')} of N x ${fileShape(x).join(' x ')}, not height and width of 1`,
    );
  }
  return flattened(node, x);
}

/** Features as images of one pixel. */
export function readUnsqueeze(node: ImportedNode): TensorValue {
  const x = node.tensor(0);
  const axes = axesOf(node, 4)?.toSorted().join();
  if (x.symbolic.shape.length !== 1 || x.mixed || (axes !== '2,3' && axes !== '1,2')) {
    throw node.fail(
      `adds the axes ${axes ?? 'none'} to N x ${fileShape(x).join(' x ')}, not height and width to features`,
    );
  }
  const image = node.apply(x, [x], ([input]) => input!.reshape([x.symbolic.shape[0]!, 1, 1]));
  return { ...image, channelsLast: axes === '1,2' };
}
