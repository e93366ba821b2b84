import { confusionMatrix } from '../train/metrics.js';

/** How a classifier did on one class. */
export interface ClassScore {
  /** Images of this class. */
  readonly images: number;
  /** Of those, how many were recognised. */
  readonly correct: number;
  /** correct / images: of this class's images, the fraction that was found; NaN without images. */
  readonly recall: number;
  /** Of the images that were taken for this class, the fraction that is of it; NaN when none was. */
  readonly precision: number;
  /** Harmonic mean of both: 2 precision recall / (precision + recall); 0 where nothing was found, NaN without images. */
  readonly f1: number;
  /** The other class that its images were most often taken for; -1 when they never were. */
  readonly confusedWith: number;
}

/** Counts of (true class, predicted class), and what follows from them. */
export interface Scores {
  /** `confusion[t][p]`: images of class t that were taken for class p. */
  readonly confusion: readonly (readonly number[])[];
  /** One for each class, in the order of the labels. */
  readonly classes: readonly ClassScore[];
}

/** Compares labels with predictions over `count` classes; both hold values 0..count-1. */
export function scoreClasses(
  labels: ArrayLike<number>,
  predictions: ArrayLike<number>,
  count: number,
): Scores {
  const confusion = confusionMatrix(labels, predictions, count);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const classes = confusion.map((row, label) => {
    const images = sum(row);
    const correct = row[label]!;
    const taken = sum(confusion.map((other) => other[label]!));
    const others = row.map((n, other) => (other === label ? 0 : n));
    const most = Math.max(...others);
    return {
      images,
      correct,
      recall: correct / images,
      precision: correct / taken,
      f1: images === 0 ? Number.NaN : (2 * correct) / (images + taken),
      confusedWith: most > 0 ? others.indexOf(most) : -1,
    };
  });
  return { confusion, classes };
}
