import { ArticleCnn, type Module, NormalisedCnn } from './twill.js';

/** A network that can be chosen. */
export interface Recipe {
  /** In the address, and of the file of its weights. */
  readonly name: string;
  readonly title: string;
  /** With first weights from the generator that `manualSeed` seeds. */
  make(): Module;
}

/** One line each; the first one is the default. */
export const RECIPES: readonly [Recipe, ...Recipe[]] = [
  { name: 'article', title: 'Article: two 5x5 convolutions', make: () => new ArticleCnn() },
  { name: 'article-bn', title: 'The same, normalised', make: () => new NormalisedCnn() },
  { name: 'article-3x3', title: 'Normalised, with 3x3 kernels', make: () => new NormalisedCnn(3) },
];

export function recipeNamed(name: string): Recipe {
  return RECIPES.find((recipe) => recipe.name === name) ?? RECIPES[0];
}
