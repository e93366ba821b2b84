import { describe, expect, it } from 'vitest';
import { functional as F, ShapeError } from '../../src/index.node.js';
import { Applied } from '../support.js';

/** Whole numbers, so that all sums are exact; none is 0, whose sign would tell an order. */
const counting = (shape: readonly number[], from: number) =>
  F.tensor(
    Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => ((i * 7 + from) % 13) - 6.5),
    shape,
  );

describe('mul', () => {
  it('multiplies tensors of any shape element by element', () => {
    for (const shape of [
      [2, 3, 5, 7],
      [3, 40],
    ]) {
      const [x, y, g] = [counting(shape, 0), counting(shape, 5), counting(shape, 9)];
      const times = (a: F.Tensor, b: F.Tensor) => ({ data: a.data.map((one, i) => one * b.data[i]!), shape });
      expect(F.mul(x, y)).toEqual(times(x, y));
      expect(F.mulBackward(g, x, y)).toEqual([times(g, y), times(g, x)]);
    }
  });

  it('multiplies every channel by its gate, which may come first', () => {
    const [N, C, H, W] = [2, 5, 3, 7] as const;
    const [x, gate, g] = [counting([N, C, H, W], 0), counting([N, C, 1, 1], 5), counting([N, C, H, W], 9)];
    const channel = (i: number) => Math.floor(i / (H * W));
    const gated = ({ data, shape }: F.Tensor) => ({
      data: data.map((one, i) => one * gate.data[channel(i)]!),
      shape,
    });
    expect(F.mul(x, gate)).toEqual(gated(x));
    expect(F.mul(gate, x)).toEqual(gated(x));
    const sums = new Float32Array(N * C);
    x.data.forEach((one, i) => (sums[channel(i)]! += one * g.data[i]!));
    const [ofX, ofGate] = F.mulBackward(g, x, gate);
    expect(ofX).toEqual(gated(g));
    expect(ofGate).toEqual({ data: sums, shape: gate.shape });
    expect(F.mulBackward(g, gate, x)).toEqual([ofGate, ofX]);
  });

  it('of no image is none', () => {
    const [x, gate] = [F.tensor([], [0, 2, 3, 3]), F.tensor([], [0, 2, 1, 1])];
    expect(F.mul(x, gate)).toEqual(x);
    expect(F.mulBackward(x, x, gate)).toEqual([x, gate]);
  });

  it('names both shapes where they do not fit', () => {
    const image = F.tensor([1, 2, 3, 4], [1, 2, 2, 1]);
    for (const [shape, shown] of [
      [[1, 1, 1, 1], '1x1x1'],
      [[1, 4, 1, 1], '4x1x1'],
      [[1, 2], '2'],
    ] as const) {
      const other = F.tensor(new Float32Array(shape.reduce<number>((a, b) => a * b, 1)), shape);
      expect(() => F.mul(image, other)).toThrow(
        new ShapeError(
          '[mul] expected two tensors of one shape, or an image of C x H x W and a gate of C x 1 x 1, ' +
            `but got 2x2x1 and ${shown}`,
        ),
      );
    }
    expect(() => F.mul(image, F.tensor([1, 2, 3, 4], [2, 2, 1, 1]))).toThrow(
      /one batch size but got 1 and 2/,
    );
    expect(() => F.mul(image, undefined as never)).toThrow(/\[mul\] y must be a tensor/);
  });

  it('multiplies flattened images by one another, and by no other features', () => {
    const both = new Applied((x) => x.flatten().mul(x.flatten()));
    expect(both.trace([2, 3, 3]).output.shape).toEqual([18]);
    const mixed = new Applied((x) => x.reshape([18, 1, 1]).reshape([18]).mul(x.flatten()));
    expect(() => mixed.trace([2, 3, 3])).toThrow(/flattened images \(2x3x3\) and others: multiply before/);
  });
});
