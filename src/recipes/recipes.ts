import type { Module } from '../nn/module.js';

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
  readonly lr: number;
  readonly momentum: number;
  /** A new order of the images every epoch. */
  readonly shuffle: boolean;
}

/** As the article trains. */
const TRAINING = { epochs: 6, batchSize: 100, lr: 0.1, momentum: 0, shuffle: false } as const;

/** The first is the default. Their code is loaded when a network is asked for: this list is for help texts, too. */
export const RECIPES: readonly [Recipe, ...Recipe[]] = [
  {
    name: 'article',
    title: 'Article: two 5x5 convolutions',
    description: 'the article to the letter: two 5x5 convolutions, one linear layer',
    model: async () => new (await import('./article.js')).ArticleCnn(),
    ...TRAINING,
  },
  {
    name: 'article-bn',
    title: 'Article, normalised',
    description: "the article's network, normalised after each convolution and at the last layer",
    model: async () => new (await import('./normalised.js')).NormalisedCnn(),
    ...TRAINING,
  },
  {
    name: 'article-3x3',
    title: 'Normalised, with 3x3 kernels',
    description: 'the same, with 3x3 kernels: all that the article advises',
    model: async () => new (await import('./normalised.js')).NormalisedCnn(3),
    ...TRAINING,
  },
];
