import type { Backend } from '../backend/backend.js';
import { loadBackend } from '../backend/load.js';
import { checkLabels } from '../data/check.js';
import type { Dataset, Pixels } from '../data/dataset.js';
import { DataLoader } from '../data/loader.js';
import type { Module } from '../nn/module.js';
import { crossEntropy } from '../ops/cross_entropy.js';
import { checkOptions } from '../options.js';
import { Predictor } from './predictor.js';
import { argmax, crossEntropySum, softmax } from './scores.js';

/** What `evaluate` and `predict` may be told. */
export interface EvaluateOptions {
  /** Images a run; default 1000. It changes no result. */
  batchSize?: number;
  /** Default the backend of `loadBackend()`. */
  backend?: Backend;
  /** Ends the evaluation before its next run, by throwing the signal's reason. */
  signal?: AbortSignal;
}

/** How a classifier does on labelled images. */
export interface Evaluation {
  /** Mean cross-entropy an image. */
  readonly loss: number;
  /** Fraction of the images whose class was right. */
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

/** Runs a classifier over a data set. Throws `ShapeError`, `LabelError` and `OptionError`. */
export async function evaluate(
  model: Module,
  dataset: Dataset,
  options?: EvaluateOptions,
): Promise<Evaluation> {
  const {
    batchSize = 1000,
    backend,
    signal,
  } = checkOptions('evaluate', options, ['batchSize', 'backend', 'signal']);
  const evaluation = await withPredictor(model, dataset.shape, batchSize, backend, (predictor) =>
    evaluateWith(predictor, dataset, signal),
  );
  if (!evaluation) throw signal!.reason;
  return evaluation;
}

/** `evaluate` with a predictor that is there already; undefined where the signal ended it. */
export async function evaluateWith(
  predictor: Predictor,
  dataset: Dataset,
  signal?: AbortSignal,
): Promise<Evaluation | undefined> {
  const classes = classesOf(predictor);
  const predictions = new Int32Array(dataset.length);
  const probabilities = new Float32Array(dataset.length * classes);
  let loss = 0;
  let correct = 0;
  let done = 0;
  for (const { images, labels, size } of new DataLoader(dataset, { batchSize: predictor.batchSize })) {
    if (signal?.aborted) return undefined;
    checkLabels('evaluate', labels, size, classes);
    const scores = await predictor.run(images);
    const guesses = argmax(scores, classes);
    predictions.set(guesses, done);
    probabilities.set(softmax(scores, classes), done * classes);
    loss += crossEntropySum(scores, labels, classes);
    correct += guesses.reduce((sum, guess, image) => sum + (guess === labels[image] ? 1 : 0), 0);
    done += size;
  }
  return { loss: loss / done, accuracy: correct / done, correct, size: done, predictions, probabilities };
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
  options?: Omit<EvaluateOptions, 'signal'>,
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
    backend: backend ?? (await loadBackend()),
  });
  try {
    return await use(predictor);
  } finally {
    predictor.dispose();
  }
}

function classesOf({ outputShape }: Predictor): number {
  return crossEntropy.classes({ shape: outputShape });
}
