import type { Backend } from '../backend/backend.js';
import { checkTargets, targetsOf } from '../data/check.js';
import type { Dataset, Pixels } from '../data/dataset.js';
import { DataLoader } from '../data/loader.js';
import type { Module } from '../nn/module.js';
import { CrossEntropyLoss, type Loss } from '../nn/loss.js';
import { classesOf as classesOfOutput } from '../ops/cross_entropy.js';
import { checkOptions } from '../options.js';
import { backendFor } from './backend-for.js';
import { Predictor } from './predictor.js';
import { argmax, softmax } from './scores.js';

/** What `evaluate` and `predict` may be told. */
export interface EvaluateOptions {
  /** Images a run; default 1000. It changes no result. */
  batchSize?: number;
  /** What `loss` is the mean of, whatever becomes of it in training; default `CrossEntropyLoss`. */
  loss?: Loss;
  /** Default the backend of `loadBackend()`. */
  backend?: Backend;
  /** Ends the evaluation before its next run, by throwing the signal's reason. */
  signal?: AbortSignal;
}

/**
 * How a model does on a data set. Where the loss compares with values and not with labels, nothing is right or wrong:
 * `accuracy` and `correct` are NaN, `predictions` and `probabilities` are empty.
 */
export interface Evaluation {
  /** Mean of the loss, cross-entropy unless another one was given. */
  readonly loss: number;
  /** Fraction of the images whose class was right, of those that the loss does not ignore. */
  readonly accuracy: number;
  /** Images whose class was right. */
  readonly correct: number;
  /** Images in all. */
  readonly size: number;
  /** The class given to each image, in the data set's order. */
  readonly predictions: Int32Array;
  /** size x classes, rows that sum to 1. */
  readonly probabilities: Float32Array;
}

/** Runs a model over a data set. Throws `ShapeError`, `LabelError` and `OptionError`. */
export async function evaluate(
  model: Module,
  dataset: Dataset,
  options?: EvaluateOptions,
): Promise<Evaluation> {
  const known = ['batchSize', 'loss', 'backend', 'signal'] as const;
  const { batchSize = 1000, loss, backend, signal } = checkOptions('evaluate', options, known);
  const evaluation = await withPredictor(model, dataset.shape, batchSize, backend, (predictor) =>
    evaluateWith(predictor, dataset, { loss, signal }),
  );
  if (!evaluation) throw signal!.reason;
  return evaluation;
}

/** `evaluate` with a predictor that is there already; undefined where the signal ended it. */
export async function evaluateWith(
  predictor: Predictor,
  dataset: Dataset,
  { loss = new CrossEntropyLoss(), signal }: Pick<EvaluateOptions, 'loss' | 'signal'> = {},
): Promise<Evaluation | undefined> {
  const where = 'evaluate';
  const { outputShape: shape } = predictor;
  const targets = loss.op.targets({ shape });
  const classifies = targets.kind === 'labels';
  const classes = classifies ? targets.classes : 0;
  const predictions = new Int32Array(classifies ? dataset.length : 0);
  const probabilities = new Float32Array(dataset.length * classes);
  let [sum, total, correct, counted, done] = [0, 0, 0, 0, 0];
  for (const { images, size, ...answers } of new DataLoader(dataset, { batchSize: predictor.batchSize })) {
    if (signal?.aborted) return undefined;
    const given = checkTargets(where, targetsOf(where, answers, targets), size, targets);
    const outputs = await predictor.run(images);
    const measured = loss.op.measure(outputs, given, shape);
    sum += measured.sum;
    total += measured.total;
    if (classifies) {
      const guesses = argmax(outputs, classes);
      predictions.set(guesses, done);
      probabilities.set(softmax(outputs, classes), done * classes);
      guesses.forEach((guess, image) => {
        counted += given[image] === targets.ignoreIndex ? 0 : 1;
        correct += guess === given[image] ? 1 : 0;
      });
    }
    done += size;
  }
  const right = classifies ? correct : Number.NaN;
  return {
    loss: sum / total,
    accuracy: right / counted,
    correct: right,
    size: done,
    predictions,
    probabilities,
  };
}

/** Images for `predict`: a data set fits. */
export interface Images {
  /** N*C*H*W bytes (0..255, scaled to 0..1) or floats, NCHW. */
  readonly images: Pixels;
  /** [C, H, W] of one image. */
  readonly shape: readonly number[];
}

/** What `predict` found of N images. */
export interface Prediction {
  /** The class given to each image. */
  readonly classes: Int32Array;
  /** N x classes, rows that sum to 1. */
  readonly probabilities: Float32Array;
  /** N x classes, the model's scores. */
  readonly logits: Float32Array;
}

/** Classifies images. For many calls keep a `Predictor`. Throws `ShapeError` and `OptionError`. */
export async function predict(
  model: Module,
  { images, shape }: Images,
  options?: Omit<EvaluateOptions, 'loss' | 'signal'>,
): Promise<Prediction> {
  const { batchSize = 1000, backend } = checkOptions('predict', options, ['batchSize', 'backend']);
  return withPredictor(model, shape, batchSize, backend, (predictor) => predictWith(predictor, images));
}

/** `predict` with a predictor that is there already. */
export async function predictWith(predictor: Predictor, images: Pixels): Promise<Prediction> {
  const count = classesOf(predictor);
  const logits = await predictor.run(images);
  return { classes: argmax(logits, count), probabilities: softmax(logits, count), logits };
}

async function withPredictor<T>(
  model: Module,
  inputShape: readonly number[],
  batchSize: number,
  backend: Backend | undefined,
  use: (predictor: Predictor) => Promise<T>,
): Promise<T> {
  const predictor = new Predictor(model, {
    inputShape,
    batchSize,
    backend: backend ?? (await backendFor(model, inputShape)),
  });
  try {
    return await use(predictor);
  } finally {
    predictor.dispose();
  }
}

function classesOf({ outputShape }: Predictor): number {
  return classesOfOutput('cross_entropy', { shape: outputShape });
}
