export { type Activation, activationsSvg, type ImageActivations } from './activations.js';
export { type CategoriesOptions, categoriesSvg } from './categories.js';
export {
  type BestEpoch,
  type ComparisonDrawings,
  type ComparisonTable,
  compareRuns,
  comparisonDrawings,
  comparisonHtml,
  comparisonTable,
  type Run,
  type RunResult,
} from './compare.js';
export { confusionSvg } from './confusion.js';
export { type Filters, filtersSvg } from './filters.js';
export {
  type EpochRecord,
  formatHistory,
  type History,
  parseHistory,
  type RunInfo,
  type RunSettings,
} from './history.js';
export { historySvg } from './history-svg.js';
export { findMistakes, type MisclassifiedOptions, type Mistake, misclassifiedSvg } from './misclassified.js';
export { type Report, type ReportDrawings, reportDrawings, reportHtml } from './report-page.js';
export { type ClassScore, type Scores, scoreClasses } from './scores.js';
export type { Gallery } from './tile.js';
