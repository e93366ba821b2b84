import { rateText } from './format.js';
import type { EpochRecord } from './history.js';
import { integerTicks, rangeOf, sharedAxes, type Limits } from './scale.js';
import { element, escapeXml, fit, picture, text } from './svg.js';
import { COLOUR, CURVE_COLOURS } from './theme.js';

/** A quantity of several runs over their epochs. */
export interface Curves {
  readonly title: string;
  /** Values that the axis never passes. */
  readonly limits: Limits;
  readonly runs: readonly {
    readonly name: string;
    readonly points: readonly (readonly [epoch: number, value: number])[];
  }[];
  /** How a value is written, with so many decimals that neighbouring ticks differ. */
  label(value: number, decimals: number): string;
}

const WIDTH = 860;
const HEIGHT = 380;
const PLOT = { left: 76, right: WIDTH - 214, top: 64, bottom: HEIGHT - 54 };
/** Of a line's dashes, for the runs after the first eight: colours come again then. */
const DASHES = [undefined, '7 4', '2 4'] as const;

const ANY_RATE: Limits = { lower: 0, upper: Number.POSITIVE_INFINITY };

/** Draws learning rates by epoch; undefined where none of the runs tells another one than the rest. */
export function ratesSvg(
  runs: readonly { readonly name: string; readonly epochs: readonly EpochRecord[] }[],
): string | undefined {
  const rates = new Set(
    runs.flatMap(({ epochs }) => epochs.flatMap(({ lr }) => (lr === undefined ? [] : [lr]))),
  );
  if (rates.size < 2) return undefined;
  return curvesSvg({
    title: 'Learning rate of the last step',
    limits: ANY_RATE,
    runs: runs.map(({ name, epochs }) => ({
      name,
      points: epochs.map(({ epoch, lr = Number.NaN }) => [epoch, lr] as const),
    })),
    label: (value) => rateText(value),
  });
}

/** How curve number `at` is drawn, wherever it is shown. */
export function curveStyle(at: number): { stroke: string; dash: string | undefined } {
  const count = CURVE_COLOURS.length;
  return { stroke: CURVE_COLOURS[at % count]!, dash: DASHES[Math.floor(at / count) % DASHES.length] };
}

/**
 * Draws one quantity of several runs by epoch, each run's name beside where its curve ends.
 * @returns a whole SVG document
 */
export function curvesSvg({ title, limits, runs, label }: Curves): string {
  const values = runs.flatMap(({ points }) => points.map(([, value]) => value));
  const last = Math.max(1, ...runs.flatMap(({ points }) => points.map(([epoch]) => epoch)));
  const range = rangeOf(values, values.some((value) => value < 0) ? ANY : limits);
  const x = (epoch: number) =>
    PLOT.left + 16 + ((epoch - 1) / Math.max(1, last - 1)) * (PLOT.right - PLOT.left - 32);
  const head = text(PLOT.left, 32, title, { 'font-size': 18, 'font-weight': 'bold', fill: COLOUR.ink });
  const [axis] = range ? sharedAxes([{ range, limits }]) : [];
  if (!axis) return picture(WIDTH, HEIGHT, title, 'No values.', [head, note('No epoch was finished')]);
  const [low, high] = [axis.ticks[0]!, axis.ticks.at(-1)!];
  const y = (value: number) => PLOT.bottom - ((value - low) / (high - low)) * (PLOT.bottom - PLOT.top);
  const body = [
    head,
    ...axis.ticks.map((tick) => gridLine(y(tick), label(tick, axis.decimals))),
    ...integerTicks(1, last, 13).map((tick) =>
      text(x(tick), PLOT.bottom + 20, String(tick), { 'text-anchor': 'middle', fill: COLOUR.ink }),
    ),
    text((PLOT.left + PLOT.right) / 2, PLOT.bottom + 42, 'Epoch', {
      'text-anchor': 'middle',
      fill: COLOUR.muted,
    }),
    ...runs.map((run, at) => curve(run.points, at, x, y)),
    ...names(runs, y),
  ];
  const ends = runs.map(
    ({ name, points }) => `${name}: ${label(points.at(-1)?.[1] ?? Number.NaN, axis.decimals + 1)}`,
  );
  return picture(WIDTH, HEIGHT, title, `At the end ${ends.join(', ')}.`, body);
}

const ANY: Limits = { lower: Number.NEGATIVE_INFINITY, upper: Number.POSITIVE_INFINITY };

function note(said: string): string {
  const at = [(PLOT.left + PLOT.right) / 2, (PLOT.top + PLOT.bottom) / 2] as const;
  return text(...at, said, { 'text-anchor': 'middle', 'font-size': 16, fill: COLOUR.muted });
}

function gridLine(y: number, label: string): string {
  return [
    element('line', { x1: PLOT.left, x2: PLOT.right, y1: y, y2: y, stroke: COLOUR.grid }),
    text(PLOT.left - 10, y + 4.5, label, { 'text-anchor': 'end', fill: COLOUR.muted }),
  ].join('');
}

function curve(
  points: Curves['runs'][number]['points'],
  at: number,
  x: (epoch: number) => number,
  y: (value: number) => number,
): string {
  const { stroke, dash } = curveStyle(at);
  const known = points.filter(([, value]) => Number.isFinite(value));
  const line = known.map(([epoch, value]) => `${x(epoch).toFixed(2)},${y(value).toFixed(2)}`).join(' ');
  const style = {
    fill: 'none',
    stroke,
    'stroke-width': 2.5,
    'stroke-linejoin': 'round',
    'stroke-dasharray': dash,
  };
  const dots =
    known.length > 40
      ? []
      : known.map(([epoch, value]) => element('circle', { cx: x(epoch), cy: y(value), r: 3.5 }));
  return element('polyline', { points: line, ...style }) + element('g', { fill: stroke }, ...dots);
}

/** Names to the right, each as near to its curve's end as the others leave room. */
function names(runs: Curves['runs'], y: (value: number) => number): string[] {
  const wanted = runs
    .map(({ name, points }, at) => ({
      name,
      at,
      end: points.findLast(([, value]) => Number.isFinite(value))?.[1],
    }))
    .filter((one): one is { name: string; at: number; end: number } => one.end !== undefined)
    .sort((a, b) => y(a.end) - y(b.end));
  const step = Math.min(18, (PLOT.bottom - PLOT.top) / Math.max(1, wanted.length));
  let free = PLOT.top - step;
  const places = wanted.map(({ end }) => (free = Math.max(free + step, y(end))));
  // What was pushed below the plot is pushed back up.
  for (let i = places.length - 1, room = PLOT.bottom; i >= 0; i--, room -= step)
    places[i] = Math.min(places[i]!, room);
  return wanted.map(({ name, at }, i) => {
    const shown = fit(name, WIDTH - PLOT.right - 20, 13, true);
    const fill = curveStyle(at).stroke;
    const label = { fill, 'font-weight': 'bold' };
    return element(
      'g',
      {},
      element('title', {}, escapeXml(name)),
      text(PLOT.right + 10, places[i]! + 4.5, shown, label),
    );
  });
}
