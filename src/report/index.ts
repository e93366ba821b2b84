export { type CategoriesOptions, categoriesSvg } from './categories.js';
export { type EpochRecord, formatHistory, type History, parseHistory, type RunInfo } from './history.js';
export { historySvg } from './history-svg.js';
export { findMistakes, type MisclassifiedOptions, type Mistake, misclassifiedSvg } from './misclassified.js';
export { type ClassScore, type Scores, scoreClasses } from './scores.js';
export type { Gallery } from './tile.js';
