import { RECIPES, type Recipe } from './twill.js';

export { RECIPES, type Recipe };

export function recipeNamed(name: string): Recipe {
  return RECIPES.find((recipe) => recipe.name === name) ?? RECIPES[0];
}
