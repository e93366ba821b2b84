import type { Module } from '../nn/module.js';

/** What becomes of the training images, drawn anew every epoch. */
export interface Augmentation {
  /** Pixels by which they are shifted at most, each way. */
  readonly shift: number;
  /** Whether every other one is mirrored. */
  readonly flip: boolean;
  /** Whether every other one loses a rectangle. */
  readonly erase: boolean;
}

/** A network for Fashion-MNIST, and how it is trained unless one says otherwise. */
export interface Recipe {
  readonly name: string;
  /** For a choice among them. */
  readonly title: string;
  /** For a list: what is particular about it. */
  readonly description: string;
  /** A network with its first weights, from the generator that `manualSeed` seeds. */
  model(): Promise<Module>;
  readonly epochs: number;
  readonly batchSize: number;
  /** The learning rate; with `oneCycle` the highest. */
  readonly lr: number;
  /** The learning rate rises in a fifth of the steps and falls to nothing in the others. */
  readonly oneCycle: boolean;
  readonly momentum: number;
  readonly nesterov: boolean;
  readonly weightDecay: number;
  readonly labelSmoothing: number;
  /** A new order of the images every epoch. */
  readonly shuffle: boolean;
  readonly augmentation: Augmentation;
}

/** As the article trains. */
const ARTICLE = {
  epochs: 6,
  batchSize: 100,
  lr: 0.1,
  oneCycle: false,
  momentum: 0,
  nesterov: false,
  weightDecay: 0,
  labelSmoothing: 0,
  shuffle: false,
  augmentation: { shift: 0, flip: false, erase: false },
} as const;

/** As networks are trained that shall reach much in little time (Smith and Topin, "Super-Convergence", 2017). */
const ONE_CYCLE = {
  batchSize: 100,
  oneCycle: true,
  momentum: 0.9,
  nesterov: true,
  weightDecay: 5e-4,
  shuffle: true,
} as const;

/** The first is the default. Their code is loaded when a network is asked for: this list is for help texts, too. */
export const RECIPES: readonly [Recipe, ...Recipe[]] = [
  {
    name: 'article',
    title: 'Article: two 5x5 convolutions',
    description: 'the article to the letter: two 5x5 convolutions, one linear layer',
    model: async () => new (await import('./article.js')).ArticleCnn(),
    ...ARTICLE,
  },
  {
    name: 'article-bn',
    title: 'Article, normalised',
    description: "the article's network, normalised after each convolution and at the last layer",
    model: async () => new (await import('./normalised.js')).NormalisedCnn(),
    ...ARTICLE,
  },
  {
    name: 'article-3x3',
    title: 'Normalised, with 3x3 kernels',
    description: 'the same, with 3x3 kernels: all that the article advises',
    model: async () => new (await import('./normalised.js')).NormalisedCnn(3),
    ...ARTICLE,
  },
  {
    name: 'fast',
    title: 'Fast: half a minute natively',
    description: 'three normalised 3x3 convolutions, mirrored images: the most that half a minute can do',
    model: async () => new (await import('./fast.js')).FastCnn(),
    ...ONE_CYCLE,
    epochs: 6,
    lr: 0.15,
    labelSmoothing: 0,
    augmentation: { shift: 0, flip: true, erase: false },
  },
  {
    name: 'best',
    title: 'Best: a residual network',
    description: 'a residual network of nine layers, images shifted, mirrored and erased in part: minutes',
    model: async () => new (await import('./best.js')).ResidualCnn(),
    ...ONE_CYCLE,
    epochs: 15,
    lr: 0.2,
    labelSmoothing: 0,
    augmentation: { shift: 1, flip: true, erase: true },
  },
];
