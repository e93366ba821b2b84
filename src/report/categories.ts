import { fit, picture, text } from './svg.js';
import { className, type Gallery, tile } from './tile.js';

const SIZE = 56;
const GAP = 6;
const LABELS = 150;
const MARGIN = 24;
const TOP = 76;

/** What `categoriesSvg` may be told. */
export interface CategoriesOptions {
  /** Images a class; default 10. */
  readonly perClass?: number;
  /** Where the images come from; default `The classes, by example`. */
  readonly title?: string;
}

/**
 * Draws the first images of every class, one row a class, labelled with number and name.
 * A class that the images lack keeps its row, which says so.
 * @returns a whole SVG document
 */
export function categoriesSvg(gallery: Gallery, options: CategoriesOptions = {}): string {
  const { perClass = 10, title = 'The classes, by example' } = options;
  const rows = firstOfEachClass(gallery, perClass);
  const width = MARGIN + LABELS + Math.max(4, perClass) * (SIZE + GAP) - GAP + MARGIN;
  const height = TOP + rows.length * (SIZE + GAP) - GAP + MARGIN;
  const images = gallery.labels.length.toLocaleString('en-US');
  const body = [
    text(MARGIN, 34, title, { 'font-size': 18, 'font-weight': 'bold', fill: '#222222' }),
    text(MARGIN, 56, `${rows.length} classes, the first ${perClass} of each among ${images} images`, {
      fill: '#666666',
    }),
  ];
  rows.forEach((indices, label) => {
    const y = TOP + label * (SIZE + GAP);
    const baseline = y + SIZE / 2 + 5;
    const name = fit(className(gallery, label), LABELS - 36, 14, true);
    body.push(
      text(MARGIN + 14, baseline, String(label), { 'text-anchor': 'end', 'font-size': 14, fill: '#888888' }),
      text(MARGIN + 26, baseline, name, { 'font-size': 14, 'font-weight': 'bold', fill: '#222222' }),
    );
    indices.forEach((index, column) => {
      body.push(tile(gallery, index, MARGIN + LABELS + column * (SIZE + GAP), y, SIZE));
    });
    if (indices.length === 0) {
      body.push(text(MARGIN + LABELS, baseline, 'none among these images', { fill: '#888888' }));
    }
  });
  const description = rows.map((_, label) => `${label} ${className(gallery, label)}`).join(', ');
  return picture(width, height, title, `Examples of ${description}.`, body);
}

function firstOfEachClass(gallery: Gallery, perClass: number): number[][] {
  const { labels, classes } = gallery;
  let count = classes?.length ?? 0;
  if (classes === undefined) for (const label of labels) count = Math.max(count, label + 1);
  const rows = Array.from({ length: count }, (): number[] => []);
  let missing = count * perClass;
  for (let i = 0; i < labels.length && missing > 0; i++) {
    const row = rows[labels[i]!];
    if (row === undefined || row.length === perClass) continue;
    row.push(i);
    missing--;
  }
  return rows;
}
