import { RandomCrop } from '../data/transforms/crop.js';
import { RandomErasing } from '../data/transforms/erase.js';
import { RandomHorizontalFlip } from '../data/transforms/flip.js';
import type { Transform } from '../data/transform.js';
import { CrossEntropyLoss } from '../nn/loss.js';
import { OneCycleLR } from '../optim/schedule-one-cycle.js';
import { SGD } from '../optim/sgd.js';
import type { FitOptions } from '../train/fit-options.js';
import type { Augmentation, Recipe } from './recipes.js';

/** What of a recipe may be set otherwise. */
export type Choices = Partial<Pick<Recipe, 'epochs' | 'batchSize' | 'lr' | 'momentum' | 'shuffle'>>;

/** The options with which `fit` follows a recipe. */
export function trainingOf(recipe: Recipe, choices: Choices = {}) {
  const { epochs = recipe.epochs, batchSize = recipe.batchSize, shuffle = recipe.shuffle } = choices;
  const { lr = recipe.lr, momentum = recipe.momentum } = choices;
  const { weightDecay, nesterov, labelSmoothing, oneCycle, augmentation } = recipe;
  return {
    epochs,
    batchSize,
    shuffle,
    loss: new CrossEntropyLoss({ labelSmoothing }),
    optimizer: new SGD({ lr, momentum, weightDecay, nesterov: nesterov && momentum > 0 }),
    ...(oneCycle && { schedule: new OneCycleLR({ maxLr: lr, pctStart: 0.2, cycleMomentum: false }) }),
    transforms: transformsOf(augmentation),
  } satisfies FitOptions;
}

function transformsOf({ shift, flip, erase }: Augmentation): Transform[] {
  const transforms: Transform[] = [];
  if (shift > 0) transforms.push(new RandomCrop({ padding: shift }));
  if (flip) transforms.push(new RandomHorizontalFlip());
  if (erase) transforms.push(new RandomErasing({ scale: [0.02, 0.2], ratio: [0.5, 2] }));
  return transforms;
}
