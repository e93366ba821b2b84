import { RandomAffine, RandomRotation } from '../data/transforms/affine.js';
import { RandomCrop } from '../data/transforms/crop.js';
import { RandomErasing } from '../data/transforms/erase.js';
import { RandomHorizontalFlip, RandomVerticalFlip } from '../data/transforms/flip.js';
import { Normalize } from '../data/transforms/normalize.js';
import { BCEWithLogitsLoss, CrossEntropyLoss, MSELoss, NLLLoss } from '../nn/loss.js';
import { activation } from '../ops/activation.js';
import { add } from '../ops/add.js';
import { avgPool2d } from '../ops/avg_pool2d.js';
import { batchNorm } from '../ops/batch_norm.js';
import { concat } from '../ops/concat.js';
import { conv2d } from '../ops/conv2d.js';
import { convTranspose2d } from '../ops/conv_transpose2d.js';
import { dropout } from '../ops/dropout.js';
import { flatten } from '../ops/flatten.js';
import { groupNorm } from '../ops/group_norm.js';
import { linear } from '../ops/linear.js';
import { maxPool2d } from '../ops/max_pool2d.js';
import { mul } from '../ops/mul.js';
import type { Op } from '../ops/op.js';
import { pad2d } from '../ops/pad2d.js';
import { relu } from '../ops/relu.js';
import { reshape } from '../ops/reshape.js';
import { softmax } from '../ops/softmax.js';
import { Adam, AdamW } from '../optim/adam.js';
import type { Optimizer } from '../optim/optimizer.js';
import { RMSprop } from '../optim/rmsprop.js';
import { ExponentialLR, MultiStepLR, type Schedule, StepLR } from '../optim/schedule.js';
import { OneCycleLR } from '../optim/schedule-one-cycle.js';
import { ReduceLROnPlateau } from '../optim/schedule-plateau.js';
import { ConstantLR, CosineAnnealingLR, LinearLR } from '../optim/schedule-ramps.js';
import { SequentialLR } from '../optim/schedule-sequential.js';
import { SGD } from '../optim/sgd.js';

// What can travel to a worker, by name. A new op, optimizer, loss, schedule or transform is added here, and nowhere else.

/** Ops that a model's `forward` can record. Their attributes are plain data. */
export const OPS: readonly Op[] = [
  activation,
  add,
  avgPool2d,
  batchNorm,
  concat,
  conv2d,
  convTranspose2d,
  dropout,
  flatten,
  groupNorm,
  linear,
  maxPool2d,
  mul,
  pad2d,
  relu,
  reshape,
  softmax,
] as readonly unknown[] as Op[];

/** Classes whose instances are made anew, `new Class(instance.options)`. Named here: a minifier renames classes. */
export const OPTIMIZERS: Readonly<Record<string, new (options: never) => Optimizer>> = {
  Adam,
  AdamW,
  RMSprop,
  SGD,
};
export const SCHEDULES: Readonly<Record<string, new (options: never) => Schedule>> = {
  ConstantLR,
  CosineAnnealingLR,
  ExponentialLR,
  LinearLR,
  MultiStepLR,
  OneCycleLR,
  ReduceLROnPlateau,
  SequentialLR,
  StepLR,
};
export const LOSSES = { BCEWithLogitsLoss, CrossEntropyLoss, MSELoss, NLLLoss };
export const TRANSFORMS = {
  Normalize,
  RandomAffine,
  RandomCrop,
  RandomErasing,
  RandomHorizontalFlip,
  RandomRotation,
  RandomVerticalFlip,
};
