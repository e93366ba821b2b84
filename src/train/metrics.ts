import { LabelError, ShapeError } from '../errors.js';
import { positiveInteger } from '../options.js';

/** How a classifier does on the images of one class, or on average over the classes. */
export interface ClassMetrics {
  /** Of the images that were taken for this class, the fraction that is of it; 0 where none was. */
  readonly precision: number;
  /** Of this class's images, the fraction that was found; 0 where there are none. */
  readonly recall: number;
  /** Harmonic mean of the two; 0 where both are. */
  readonly f1: number;
}

/** How well one of several classes is told from the others, and how many images it has. */
export interface ScoredClass extends ClassMetrics {
  /** Its images. */
  readonly support: number;
}

/** What `report` finds. */
export interface ClassificationReport {
  /** Fraction right. */
  readonly accuracy: number;
  /** `confusion[t][p]`: images of class t that were taken for class p. */
  readonly confusion: readonly (readonly number[])[];
  /** One a class. */
  readonly classes: readonly ScoredClass[];
  /** Means over the classes, each counting as much as any other. */
  readonly macro: ClassMetrics;
}

function checkPairs(where: string, labels: ArrayLike<number>, others: ArrayLike<number>, what: string): void {
  if (labels.length === others.length) return;
  throw new ShapeError(`[metrics.${where}] got ${labels.length} labels but ${others.length} ${what}`);
}

/** Counts of (true class, predicted class): `matrix[t][p]`. Throws `LabelError` for what is no class. */
export function confusionMatrix(
  labels: ArrayLike<number>,
  predictions: ArrayLike<number>,
  classes: number,
): number[][] {
  const where = 'confusionMatrix';
  checkPairs(where, labels, predictions, 'predictions');
  positiveInteger(`metrics.${where}`, 'classes', classes);
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let image = 0; image < labels.length; image++) {
    const row = matrix[labels[image]!];
    if (row?.[predictions[image]!] === undefined) {
      throw new LabelError(
        `[metrics.${where}] image ${image} has class ${labels[image]} and prediction ${predictions[image]} ` +
          `but there are ${classes} classes`,
      );
    }
    row[predictions[image]!]! += 1;
  }
  return matrix;
}

/** Fraction of the predictions that are right. */
export function accuracy(labels: ArrayLike<number>, predictions: ArrayLike<number>): number {
  checkPairs('accuracy', labels, predictions, 'predictions');
  let right = 0;
  for (let image = 0; image < labels.length; image++) if (labels[image] === predictions[image]) right++;
  return right / labels.length;
}

/**
 * Fraction of the images whose class is among the `k` with the highest scores, of equals the first.
 * @param scores images x classes: probabilities, or the model's scores
 */
export function topKAccuracy(labels: ArrayLike<number>, scores: ArrayLike<number>, k: number): number {
  const where = 'topKAccuracy';
  positiveInteger(`metrics.${where}`, 'k', k);
  const classes = scores.length / labels.length;
  if (!Number.isInteger(classes) || classes === 0) {
    throw new ShapeError(
      `[metrics.${where}] ${scores.length} scores are no rows for ${labels.length} labels`,
    );
  }
  let found = 0;
  for (let image = 0; image < labels.length; image++) {
    const label = labels[image]!;
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      throw new LabelError(`[metrics.${where}] label ${image} is ${label} but there are ${classes} classes`);
    }
    const score = (index: number) => scores[image * classes + index]!;
    let above = 0;
    for (let index = 0; index < classes; index++) {
      if (score(index) > score(label) || (score(index) === score(label) && index < label)) above++;
    }
    if (above < k && !Number.isNaN(score(label))) found++;
  }
  return found / labels.length;
}

/** Accuracy, confusion matrix, and precision, recall and F1 of each class and on average. */
export function report(
  labels: ArrayLike<number>,
  predictions: ArrayLike<number>,
  classes: number,
): ClassificationReport {
  const confusion = confusionMatrix(labels, predictions, classes);
  const ratio = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const each = confusion.map((row, label) => {
    const right = row[label]!;
    const support = sum(row);
    const precision = ratio(right, sum(confusion.map((other) => other[label]!)));
    const recall = ratio(right, support);
    return { precision, recall, f1: ratio(2 * precision * recall, precision + recall), support };
  });
  const mean = (of: keyof ClassMetrics) => sum(each.map((one) => one[of])) / classes;
  return {
    accuracy: accuracy(labels, predictions),
    confusion,
    classes: each,
    macro: { precision: mean('precision'), recall: mean('recall'), f1: mean('f1') },
  };
}
