import { describe, expect, it } from 'vitest';
import { LabelError, metrics, ShapeError } from '../src/index.node.js';

describe('metrics', () => {
  it("are scikit-learn's", () => {
    // precision_recall_fscore_support(y_true, y_pred) and its macro average, in the documentation of scikit-learn.
    const labels = [0, 1, 2, 0, 1, 2];
    const predictions = [0, 2, 1, 0, 0, 1];
    const { accuracy, confusion, classes, macro } = metrics.report(labels, predictions, 3);
    expect(accuracy).toBeCloseTo(2 / 6, 12);
    expect(confusion).toEqual([
      [2, 0, 0],
      [1, 0, 1],
      [0, 2, 0],
    ]);
    expect(classes[0]).toEqual({ precision: 2 / 3, recall: 1, f1: expect.closeTo(0.8, 12), support: 2 });
    expect(classes[1]).toEqual({ precision: 0, recall: 0, f1: 0, support: 2 });
    expect(macro.precision).toBeCloseTo(0.2222, 4);
    expect(macro.recall).toBeCloseTo(0.3333, 4);
    expect(macro.f1).toBeCloseTo(0.2667, 4);
  });

  it('count a class that never comes as 0', () => {
    const { classes } = metrics.report([0, 0], [0, 0], 2);
    expect(classes[1]).toEqual({ precision: 0, recall: 0, f1: 0, support: 0 });
  });

  it('find a class among the k best', () => {
    // top_k_accuracy_score in the documentation of scikit-learn.
    const labels = [0, 1, 2, 2];
    const scores = [0.5, 0.2, 0.2, 0.3, 0.4, 0.2, 0.2, 0.4, 0.3, 0.7, 0.2, 0.1];
    expect(metrics.topKAccuracy(labels, scores, 2)).toBe(0.75);
    expect(metrics.topKAccuracy(labels, scores, 1)).toBe(0.5);
    expect(metrics.topKAccuracy(labels, scores, 3)).toBe(1);
    // Of equals the first, as argmax has it.
    expect(metrics.topKAccuracy([1], [0.5, 0.5], 1)).toBe(0);
    expect(metrics.topKAccuracy([0], [0.5, 0.5], 1)).toBe(1);
    expect(metrics.topKAccuracy([0], [Number.NaN, 0.5], 2)).toBe(0);
  });

  it('refuse what does not fit', () => {
    expect(() => metrics.accuracy([1], [1, 2])).toThrow(ShapeError);
    expect(() => metrics.confusionMatrix([3], [0], 3)).toThrow(LabelError);
    expect(() => metrics.confusionMatrix([0], [-1], 3)).toThrow(
      '[metrics.confusionMatrix] image 0 has class 0 and prediction -1 but there are 3 classes',
    );
    expect(() => metrics.topKAccuracy([0, 1], [1, 2, 3], 1)).toThrow('3 scores are no rows for 2 labels');
    expect(() => metrics.topKAccuracy([2], [1, 2], 1)).toThrow('label 0 is 2 but there are 2 classes');
  });
});
