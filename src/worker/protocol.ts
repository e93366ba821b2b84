import type { BackendInfo } from '../backend/backend.js';
import type { LoadBackendOptions } from '../backend/load.js';
import type { ImageShape, Pixels } from '../data/dataset.js';
import type { Averaging } from '../optim/averaging.js';
import type { Clipping } from '../optim/clipping.js';
import type { BestEpoch, EarlyStopping } from '../train/early-stopping.js';
import type { Evaluation, Prediction } from '../train/evaluate.js';
import type { BatchProgress, EpochResult } from '../train/fit.js';
import type { StepResult } from '../train/trainer.js';
import type { Configured } from './configured.js';
import type { ErrorData } from './error-data.js';
import type { ModelData } from './graph-data.js';

/** Number, given on the page's side, of something that lives in the worker: a data set, a training, a trainer. */
export type Handle = number;

/** Where a data set travels in pieces; `shared` ones travel whole, since nothing is copied. */
export interface DatasetData {
  readonly length: number;
  readonly shape: ImageShape;
  readonly dtype: 'uint8' | 'float32';
  readonly targetShape: readonly number[] | undefined;
  readonly classes: readonly string[] | undefined;
  readonly shared?: {
    readonly images: Pixels;
    readonly labels: Uint8Array | Int32Array;
    readonly targets: Float32Array | undefined;
  };
}

export interface FitData extends Clipping {
  readonly model: ModelData;
  readonly train: Handle;
  readonly validation: Handle | undefined;
  readonly epochs: number;
  readonly loader: {
    readonly batchSize: number;
    readonly shuffle: boolean;
    readonly seed: number;
    readonly dropLast: boolean;
    readonly transforms: readonly Configured[];
  };
  readonly optimizer: Configured;
  readonly loss: Configured | undefined;
  readonly schedule: Configured | undefined;
  readonly averaging: Averaging | undefined;
  readonly earlyStopping: EarlyStopping | undefined;
  /** Steps between two checkpoints, undefined for one an epoch; without it there are none. */
  readonly checkpoint: { readonly every: number | undefined } | undefined;
  readonly resume: Uint8Array | undefined;
  readonly detectAnomaly: boolean | undefined;
  /** Whether anybody listens to the batches. */
  readonly progress: boolean;
}

/** The optimizer's, then those of its groups, undefined where a group has none of its own. */
export type LearningRates = readonly (number | undefined)[];

/** What the page's side may have changed since it last wrote. */
export interface Changes {
  /** Of the optimizer and its groups. */
  readonly lrs: LearningRates;
  readonly weights: Float32Array[] | undefined;
}

/** What the next epoch of a training came to: its result, its end or its error, and the weights in each case. */
export interface EpochReply {
  readonly weights: Float32Array[];
  readonly result: EpochResult | undefined;
  readonly aborted: boolean;
  readonly stoppedEarly: boolean;
  readonly best: BestEpoch | undefined;
  /** Number of the epoch that the loader delivers next. */
  readonly loaderEpoch: number;
  readonly error: ErrorData | undefined;
}

export interface TrainerData extends Clipping {
  readonly model: ModelData;
  readonly inputShape: readonly number[];
  readonly batchSize: number;
  readonly seed: number;
  readonly fusion: boolean;
  readonly detectAnomaly: boolean;
  readonly optimizer: Configured;
  readonly loss: Configured | undefined;
  readonly averaging: Averaging | undefined;
}

export interface PredictorData {
  readonly model: ModelData;
  readonly inputShape: readonly number[];
  readonly batchSize: number;
  readonly fusion: boolean;
}

type Weights = { readonly weights: Float32Array[] | undefined };
type Of<T> = T & { readonly handle: Handle };

/** What the worker can be asked for. */
export interface Methods {
  start(options: LoadBackendOptions): BackendInfo;
  openDataset(data: Of<DatasetData>): void;
  fillDataset(
    piece: Of<{ at: number; images: Pixels; labels: Int32Array; targets: Float32Array | undefined }>,
  ): void;
  fit(data: Of<FitData>): void;
  nextEpoch(changes: Of<Changes & { loaderEpoch: number }>): EpochReply;
  readFit(which: Of<object>): Float32Array[];
  trainer(data: Of<TrainerData>): void;
  step(batch: Of<Changes & { images: Pixels; targets: Float64Array | Float32Array }>): StepResult;
  readTrainer(which: Of<{ averaged: boolean }>): Float32Array[];
  predictor(data: Of<PredictorData>): void;
  predict(batch: Of<Weights & { images: Pixels }>): Prediction;
  scores(batch: Of<Weights & { images: Pixels }>): Float32Array;
  evaluate(on: Of<Weights & { dataset: Handle; loss: Configured | undefined }>): Evaluation;
}

/** What the worker is told, and does not answer. */
export interface Notices {
  steer(how: Of<Steering>): void;
  endFit(which: Of<object>): void;
  freeDataset(which: Of<object>): void;
  endTrainer(which: Of<object>): void;
  endPredictor(which: Of<object>): void;
}

/** How a training that runs is to go on. */
export interface Steering {
  readonly paused?: boolean;
  readonly aborted?: boolean;
  readonly lrs?: LearningRates;
}

export type Method = keyof Methods;
export type Notice = keyof Notices;
export type Params<M extends Method> = Parameters<Methods[M]>[0];
export type Result<M extends Method> = ReturnType<Methods[M]>;
export type NoticeParams<N extends Notice> = Parameters<Notices[N]>[0];

/** To the worker. `call` is missing where no answer is wanted; `cancel` names the call whose signal aborted. */
export type Request =
  | { readonly call?: number; readonly method: Method | Notice; readonly params: unknown }
  | { readonly cancel: number };

/** From the worker. */
export type Reply =
  | { readonly call: number; readonly result: unknown }
  | { readonly call: number; readonly error: ErrorData }
  | { readonly news: News; readonly handle: Handle };

/** What a training tells unasked: batches, many in one message, and checkpoints. */
export type News =
  { readonly batches: readonly BatchProgress[] } | { readonly checkpoint: Uint8Array<ArrayBuffer> };

/**
 * The buffers in a message, to be transferred: whoever puts a typed array into one has made it for that. Shared
 * memory is shared.
 */
export function buffersIn(message: unknown): ArrayBuffer[] {
  const found = new Set<ArrayBuffer>();
  const visit = (value: unknown): void => {
    if (ArrayBuffer.isView(value)) {
      if (value.buffer instanceof ArrayBuffer) found.add(value.buffer);
    } else if (typeof value === 'object' && value !== null) Object.values(value).forEach(visit);
  };
  visit(message);
  return [...found];
}
