import type { Scores } from './scores.js';
import { element, escapeXml, fit, picture, text } from './svg.js';
import { COLOUR } from './theme.js';

const LABELS = 130;
const MARGIN = 24;
const TOP = 76;

/**
 * Draws a confusion matrix: a row for what the images are, a column for what they were taken for; right answers blue,
 * wrong ones red, the darker the larger their share of the row.
 * @param names of the classes, in the order of the labels
 * @returns a whole SVG document
 */
export function confusionSvg({ confusion }: Pick<Scores, 'confusion'>, names: readonly string[]): string {
  const count = confusion.length;
  const cell = Math.max(9, Math.min(58, Math.floor(640 / Math.max(1, count))));
  const [left, top] = [MARGIN + LABELS, TOP + 74];
  const width = Math.max(420, left + count * cell + MARGIN + 60);
  const height = top + count * cell + MARGIN;
  const title = 'What was taken for what';
  const body = [
    text(MARGIN, 34, title, { 'font-size': 18, 'font-weight': 'bold', fill: COLOUR.ink }),
    text(MARGIN, 56, 'Rows: what the images show. Columns: what they were taken for.', {
      fill: COLOUR.muted,
    }),
  ];
  const nameOf = (label: number) => names[label] ?? `class ${label}`;
  const fontSize = Math.min(13, Math.max(7, cell * 0.5));
  for (let label = 0; label < count; label++) {
    const middle = (label + 0.5) * cell;
    const name = fit(nameOf(label), LABELS - 10, fontSize);
    const at = `translate(${left + middle + fontSize / 3} ${top - 10}) rotate(-40)`;
    body.push(
      text(left - 10, top + middle + fontSize / 3, name, { ...labelled('end'), 'font-size': fontSize }),
      text(0, 0, name, { ...labelled('start'), 'font-size': fontSize, transform: at }),
      ...row(confusion[label]!, label, { left, top, cell }, nameOf),
    );
  }
  body.push(frame(left, top, count * cell));
  return picture(width, height, title, description(confusion, nameOf), body);
}

const labelled = (anchor: string) => ({ 'text-anchor': anchor, fill: COLOUR.ink });

function row(
  counts: readonly number[],
  label: number,
  { left, top, cell }: { left: number; top: number; cell: number },
  nameOf: (label: number) => string,
): string[] {
  const images = counts.reduce((sum, count) => sum + count, 0);
  return counts.flatMap((count, predicted) => {
    if (count === 0) return [];
    const share = count / images;
    const right = predicted === label;
    // A hundredth of a row must still be seen: the root lifts what is small.
    const opacity = Math.max(0.06, right ? share : Math.min(1, Math.sqrt(share)));
    const box = { x: left + predicted * cell, y: top + label * cell, width: cell, height: cell };
    const said = right
      ? `${count} of ${images} images of ${nameOf(label)} were recognised`
      : `${count} of ${images} images of ${nameOf(label)} were taken for ${nameOf(predicted)}`;
    const fill = right ? COLOUR.blue : COLOUR.red;
    const rect = element(
      'rect',
      { ...box, fill, 'fill-opacity': opacity },
      element('title', {}, escapeXml(said)),
    );
    const fontSize = Math.min(13, cell / (String(count).length * 0.72));
    if (fontSize < 7.5) return [rect];
    return [
      rect,
      text(box.x + cell / 2, box.y + cell / 2 + fontSize * 0.36, String(count), {
        'text-anchor': 'middle',
        'font-size': fontSize,
        'font-weight': right ? 'bold' : undefined,
        fill: opacity > 0.68 ? COLOUR.paper : COLOUR.ink,
        'pointer-events': 'none',
      }),
    ];
  });
}

function frame(x: number, y: number, size: number): string {
  return element('rect', { x, y, width: size, height: size, fill: 'none', stroke: COLOUR.rule });
}

function description(confusion: Scores['confusion'], nameOf: (label: number) => string): string {
  let worst = { label: 0, predicted: 0, count: 0 };
  confusion.forEach((counts, label) =>
    counts.forEach((count, predicted) => {
      if (label !== predicted && count > worst.count) worst = { label, predicted, count };
    }),
  );
  if (worst.count === 0) return 'No image was taken for another class.';
  const { label, predicted, count } = worst;
  return `Most often, ${count} times, ${nameOf(label)} was taken for ${nameOf(predicted)}.`;
}
