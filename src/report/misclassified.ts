import { element, escapeXml, fit, picture, text } from './svg.js';
import { className, type Gallery, tile } from './tile.js';

const SIZE = 140;
const CELL = { width: 194, height: 206 };
const MARGIN = 24;
const TOP = 76;

/** An image that the model got wrong. */
export interface Mistake {
  /** Number of the image in its data set. */
  readonly index: number;
  /** The class that the model gave it. */
  readonly predicted: number;
  /** Its label. */
  readonly truth: number;
  /** Probability that the model gave to `predicted`, 0..1; undefined when it is not known. */
  readonly probability?: number | undefined;
}

/**
 * The images whose predicted class is not their label, the surest mistakes first where probabilities are known, else
 * in the data set's order.
 * @param predictions N class indices
 * @param probabilities N rows of one probability a class
 */
export function findMistakes(
  labels: Uint8Array | Int32Array,
  predictions: Int32Array,
  probabilities?: Float32Array,
): Mistake[] {
  const classes = probabilities === undefined ? 0 : probabilities.length / labels.length;
  const mistakes: Mistake[] = [];
  for (let index = 0; index < labels.length; index++) {
    const predicted = predictions[index]!;
    const truth = labels[index]!;
    if (predicted === truth) continue;
    const probability = probabilities?.[index * classes + predicted];
    mistakes.push({ index, predicted, truth, probability });
  }
  // Array.sort is stable: equal probabilities stay in the data set's order.
  return mistakes.sort((a, b) => (b.probability ?? 0) - (a.probability ?? 0));
}

/** What `misclassifiedSvg` may be told. */
export interface MisclassifiedOptions {
  /** Images shown at most; default 25. */
  readonly most?: number;
  /** Images in a row; default 5. */
  readonly columns?: number;
}

/**
 * Draws the first of `mistakes`, each with the predicted class, its probability and the true class.
 * @returns a whole SVG document; without mistakes it says that there are none
 */
export function misclassifiedSvg(
  gallery: Gallery,
  mistakes: readonly Mistake[],
  options: MisclassifiedOptions = {},
): string {
  const { most = 25, columns = 5 } = options;
  const shown = mistakes.slice(0, most);
  const rows = Math.ceil(shown.length / columns);
  // The summary above needs the width of three cells.
  const width = MARGIN + Math.max(3, Math.min(columns, shown.length)) * CELL.width;
  const height = TOP + rows * CELL.height + 8;
  const title = 'Misclassified images';
  const summary = summarise(gallery.labels.length, mistakes, shown.length);
  const body = [
    text(MARGIN, 34, title, { 'font-size': 18, 'font-weight': 'bold', fill: '#222222' }),
    text(MARGIN, 56, summary, { fill: '#666666' }),
    ...shown.map((mistake, i) => {
      const x = MARGIN + (i % columns) * CELL.width;
      return cell(gallery, mistake, x, TOP + Math.floor(i / columns) * CELL.height);
    }),
  ];
  return picture(width, height, title, summary, body);
}

function summarise(images: number, mistakes: readonly Mistake[], shown: number): string {
  const count = (n: number) => n.toLocaleString('en-US');
  if (mistakes.length === 0) return `None: all ${count(images)} images were classified correctly.`;
  const share = ((mistakes.length / images) * 100).toFixed(2);
  const wrong = `${count(mistakes.length)} of ${count(images)} images (${share} %)`;
  if (shown === mistakes.length) return wrong;
  const surest = mistakes[0]!.probability !== undefined;
  return `${wrong}; shown are the ${surest ? `${shown} it was surest of` : `first ${shown}`}`;
}

function cell(gallery: Gallery, mistake: Mistake, x: number, y: number): string {
  const wide = CELL.width - 8;
  const share = mistake.probability === undefined ? '' : ` ${percent(mistake.probability)}`;
  const predicted = className(gallery, mistake.predicted);
  const truth = className(gallery, mistake.truth);
  const said = `image ${mistake.index}: predicted ${predicted}${share}, true ${truth}`;
  return element(
    'g',
    {},
    element('title', {}, escapeXml(said)),
    tile(gallery, mistake.index, x, y, SIZE),
    line(x, y + SIZE + 18, 'predicted ', fit(predicted, wide - 106, 12, true) + share, '#c62828'),
    line(x, y + SIZE + 35, 'true ', fit(truth, wide - 32, 12, true), '#2e7d32'),
  );
}

function line(x: number, y: number, lead: string, name: string, fill: string): string {
  return element(
    'text',
    { x, y, 'font-size': 12, fill: '#666666', 'xml:space': 'preserve' },
    lead,
    element('tspan', { 'font-weight': 'bold', fill }, escapeXml(name)),
  );
}

/** Whole percents, but never `100 %` for what is less than sure. */
function percent(probability: number): string {
  return probability > 0.995 && probability < 1 ? '>99 %' : `${Math.round(probability * 100)} %`;
}
