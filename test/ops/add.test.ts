import { describe, expect, it } from 'vitest';
import { Flatten, functional as F, ShapeError } from '../../src/index.node.js';
import { Applied } from '../support.js';

describe('add', () => {
  it('adds tensors of any shape element by element', () => {
    for (const shape of [
      [2, 3, 5, 7],
      [3, 40],
    ]) {
      const size = shape.reduce((a, b) => a * b);
      const x = F.tensor(
        Array.from({ length: size }, (_, i) => i / 4),
        shape,
      );
      const y = F.tensor(
        Array.from({ length: size }, (_, i) => 1000 - i),
        shape,
      );
      const sum = F.add(x, y);
      expect(sum.shape).toEqual(shape);
      expect(sum.data).toEqual(x.data.map((value, i) => value + y.data[i]!));
    }
  });

  it('names both shapes where they differ', () => {
    const x = F.tensor([1, 2, 3, 4], [1, 4]);
    expect(() => F.add(x, F.tensor([1, 2, 3, 4], [1, 4, 1, 1]))).toThrow(
      new ShapeError('[add] expected two tensors of one shape but got 1x4 and 1x4x1x1'),
    );
    const flat = new Applied((image) => image.add(image.flatten()));
    expect(() => flat.trace([2, 3, 3])).toThrow(
      new ShapeError('[add] expected two tensors of one shape but got 2x3x3 and 18'),
    );
  });

  it('adds flattened images to one another', () => {
    const both = new Applied((image) => new Flatten().forward(image).add(image.flatten()));
    expect(both.trace([2, 3, 3]).output.shape).toEqual([18]);
  });
});
