export type { Backend, BackendInfo, BackendName } from './backend/backend.js';
export { defaultBackend, type LoadBackendOptions, loadBackend } from './backend/load.js';
export {
  BackendError,
  BackendUnavailableError,
  DataError,
  FormatError,
  LabelError,
  NumericError,
  type NumericOrigin,
  OptionError,
  OutOfMemoryError,
  ShapeError,
  TwillError,
  WorkerError,
} from './errors.js';
export { SymbolicTensor } from './graph/graph.js';
export { ModuleBuffer, Parameter, type StateDtype } from './graph/parameter.js';
export { fromBytes, toBytes } from './io/model.js';
export {
  ELU,
  GELU,
  type GELUOptions,
  Hardsigmoid,
  type HardsigmoidOptions,
  Hardswish,
  Hardtanh,
  LeakyReLU,
  ReLU6,
  Sigmoid,
  SiLU,
  Tanh,
} from './nn/activation.js';
export { AdaptiveAvgPool2d, type AdaptiveSize2d, AvgPool2d, type AvgPool2dOptions } from './nn/avg_pool2d.js';
export { BatchNorm1d, BatchNorm2d, type BatchNormOptions } from './nn/batch_norm.js';
export { Conv2d, type Conv2dOptions } from './nn/conv2d.js';
export {
  ConvTranspose2d,
  type ConvTranspose2dFunctionOptions,
  type ConvTranspose2dOptions,
} from './nn/conv_transpose2d.js';
export { Dropout, Dropout2d } from './nn/dropout.js';
export { Flatten } from './nn/flatten.js';
export * as functional from './nn/functional.js';
export {
  GroupNorm,
  type GroupNormOptions,
  InstanceNorm2d,
  type InstanceNorm2dOptions,
  LayerNorm,
  type LayerNormOptions,
} from './nn/group_norm.js';
export { Linear, type LinearOptions } from './nn/linear.js';
export {
  BCEWithLogitsLoss,
  type BCEWithLogitsLossOptions,
  CrossEntropyLoss,
  type CrossEntropyLossOptions,
  type Loss,
  type LossOptions,
  MSELoss,
  NLLLoss,
  type NLLLossOptions,
  type Reduction,
} from './nn/loss.js';
export { MaxPool2d, type MaxPool2dOptions } from './nn/max_pool2d.js';
export { Module, type StateDict, type StateTensor } from './nn/module.js';
export { ConstantPad2d, type Padding2d, ReflectionPad2d, ReplicationPad2d, ZeroPad2d } from './nn/pad2d.js';
export type { Size2d } from './nn/pair.js';
export { ReLU } from './nn/relu.js';
export { Sequential } from './nn/sequential.js';
export { LogSoftmax, Softmax } from './nn/softmax.js';
export { Adam, type AdamOptions, type AdamSettings, AdamW } from './optim/adam.js';
export type { Averaging } from './optim/averaging.js';
export type { Clipping } from './optim/clipping.js';
export type { ParameterNames } from './optim/names.js';
export {
  type LearningRate,
  Optimizer,
  type OptimizerOptions,
  type ParameterGroup,
  type ParameterGroupOptions,
} from './optim/optimizer.js';
export { RMSprop, type RMSpropOptions, type RMSpropSettings } from './optim/rmsprop.js';
export type { Monitor } from './optim/monitor.js';
export {
  ExponentialLR,
  type ExponentialLROptions,
  type Interval,
  type IntervalOptions,
  type Moment,
  MultiStepLR,
  type MultiStepLROptions,
  Schedule,
  StepLR,
  type StepLROptions,
} from './optim/schedule.js';
export { OneCycleLR, type OneCycleLROptions } from './optim/schedule-one-cycle.js';
export { ReduceLROnPlateau, type ReduceLROnPlateauOptions } from './optim/schedule-plateau.js';
export {
  ConstantLR,
  type ConstantLROptions,
  CosineAnnealingLR,
  type CosineAnnealingLROptions,
  LinearLR,
  type LinearLROptions,
} from './optim/schedule-ramps.js';
export { SequentialLR, type SequentialLROptions } from './optim/schedule-sequential.js';
export { SGD, type SGDOptions, type SGDSettings } from './optim/sgd.js';
export { Unflatten } from './nn/unflatten.js';
export type { PadMode } from './ops/pad2d.js';
export { Generator, type GeneratorState, manualSeed } from './random.js';
export { activations, type LayerOutput } from './train/activations.js';
export {
  type EvaluateOptions,
  type Evaluation,
  evaluate,
  type Images,
  type Prediction,
  predict,
} from './train/evaluate.js';
export {
  type BatchProgress,
  type EpochResult,
  type FitOptions,
  FitRun,
  fit,
  type History,
} from './train/fit.js';
export type { BestEpoch, EarlyStopping } from './train/early-stopping.js';
export type { Checkpointing, Resume } from './train/fit-checkpoint.js';
export * as metrics from './train/metrics.js';
export { Predictor, type PredictorOptions } from './train/predictor.js';
export { type StepResult, Trainer, type TrainerOptions } from './train/trainer.js';
