import { costText, grouped } from './format.js';
import type { EpochRecord, History } from './history.js';
import { type Axis, integerTicks, type Limits, rangeOf, sharedAxes } from './scale.js';
import { element, picture, text } from './svg.js';

const WIDTH = 760;
const HEIGHT = 460;
const PLOT = { left: 84, right: WIDTH - 84, top: 78, bottom: HEIGHT - 62 };
const COST_COLOR = '#c62828';
const ACCURACY_COLOR = '#1565c0';
const INK = '#222222';
const MUTED = '#666666';
const GRID = '#e3e3e3';

/** One quantity over the epochs: where it is read, how it is named, drawn and labelled. */
interface Series {
  readonly title: string;
  readonly color: string;
  readonly marker: 'circle' | 'square';
  readonly limits: Limits;
  readonly value: (record: EpochRecord) => number;
  readonly label: (value: number, decimals: number) => string;
}

const COST: Series = {
  title: 'Cost (loss summed over batches)',
  color: COST_COLOR,
  marker: 'circle',
  limits: { lower: 0, upper: Number.POSITIVE_INFINITY },
  value: (record) => record.cost,
  label: (value, decimals) => {
    const wide = value >= 1e6 || decimals > 4;
    return wide && value !== 0 ? String(Number(value.toPrecision(3))) : grouped(value, decimals);
  },
};

const ACCURACY: Series = {
  title: 'Accuracy on the validation images',
  color: ACCURACY_COLOR,
  marker: 'square',
  limits: { lower: 0, upper: 1 },
  value: (record) => record.accuracy,
  label: (value, decimals) => `${grouped(value * 100, Math.max(0, decimals - 2))} %`,
};

/**
 * Draws cost (left axis, red, circles) and accuracy (right axis, blue, squares) by epoch.
 * Both axes share one grid. Values that are not finite leave a gap; without any the axis is left out.
 * @returns a whole SVG document, 760 by 460 pixels
 */
export function historySvg(history: History): string {
  const { epochs } = history;
  const first = epochs[0]?.epoch ?? 1;
  const last = epochs.at(-1)?.epoch ?? 1;
  // A single epoch has no extent: half an epoch on either side puts its points in the middle.
  const span = last > first ? { min: first, max: last } : { min: first - 0.5, max: first + 0.5 };
  const x = (epoch: number) =>
    PLOT.left + 24 + ((epoch - span.min) / (span.max - span.min)) * (PLOT.right - PLOT.left - 48);

  const shown = [COST, ACCURACY].flatMap((series) => {
    const values = epochs.map(series.value);
    // A loss of one's own may be negative.
    const limits = values.some((value) => value < 0) ? { lower: -Infinity, upper: Infinity } : series.limits;
    const range = rangeOf(values, limits);
    return range === undefined ? [] : [{ series, range, limits }];
  });
  const axes = sharedAxes(shown);
  const rows = axes[0]?.ticks.length ?? 0;
  const body = [heading(history), gridLines(rows), baseLine(), epochAxis(epochs, first, last, x)];
  shown.forEach(({ series }, i) => {
    const axis = axes[i]!;
    body.push(valueAxis(series, axis, series === COST ? 'left' : 'right'), curve(series, axis, epochs, x));
  });
  if (shown.length === 0) body.push(emptyNote());
  return picture(WIDTH, HEIGHT, 'Cost and accuracy by epoch', description(history), body);
}

function heading(history: History): string {
  const { info, epochs } = history;
  const seconds = epochs.reduce((sum, record) => sum + record.seconds, 0);
  const threads = `${info.threads} ${info.threads === 1 ? 'thread' : 'threads'}`;
  const parts = [`${info.backend} backend`, info.isa, threads];
  if (epochs.length > 0) parts.push(`${grouped(seconds, seconds < 10 ? 2 : 1)} s of training`);
  return [
    text(PLOT.left, 32, 'Cost and accuracy by epoch', { 'font-size': 18, 'font-weight': 'bold', fill: INK }),
    text(PLOT.left, 54, parts.join(' · '), { fill: MUTED }),
    lastValues(epochs.at(-1)),
  ].join('\n');
}

/** The latest figures at the top right, in their curves' colours: what most readers come for. */
function lastValues(record: EpochRecord | undefined): string {
  if (record === undefined) return '';
  const lines: string[] = [];
  if (Number.isFinite(record.accuracy)) {
    const shown = `accuracy ${grouped(record.accuracy * 100, 2)} %`;
    lines.push(text(PLOT.right, 32, shown, figure(ACCURACY_COLOR, 18)));
  }
  if (Number.isFinite(record.cost)) {
    lines.push(text(PLOT.right, 54, `cost ${costText(record.cost)}`, figure(COST_COLOR, 13)));
  }
  return lines.join('\n');
}

function figure(fill: string, size: number) {
  return { fill, 'font-size': size, 'font-weight': 'bold', 'text-anchor': 'end' };
}

function gridLines(rows: number): string {
  const lines = Array.from({ length: rows }, (_, i) => {
    const y = PLOT.bottom - (i / (rows - 1)) * (PLOT.bottom - PLOT.top);
    return element('line', { x1: PLOT.left, x2: PLOT.right, y1: y, y2: y });
  });
  return element('g', { stroke: GRID }, ...lines);
}

function baseLine(): string {
  const { left, right, bottom } = PLOT;
  return element('line', { x1: left, x2: right, y1: bottom, y2: bottom, stroke: '#999999' });
}

function epochAxis(
  epochs: readonly EpochRecord[],
  first: number,
  last: number,
  x: (epoch: number) => number,
): string {
  const parts = integerTicks(first, last, 13).flatMap((tick) => [
    element('line', { x1: x(tick), x2: x(tick), y1: PLOT.bottom, y2: PLOT.bottom + 5, stroke: '#999999' }),
    text(x(tick), PLOT.bottom + 21, String(tick), { 'text-anchor': 'middle', fill: INK }),
  ]);
  const middle = (PLOT.left + PLOT.right) / 2;
  const title = { 'text-anchor': 'middle', 'font-size': 14, fill: INK };
  return [...(epochs.length > 0 ? parts : []), text(middle, PLOT.bottom + 46, 'Epoch', title)].join('\n');
}

function valueAxis(series: Series, axis: Axis, side: 'left' | 'right'): string {
  const edge = PLOT[side];
  const outward = side === 'left' ? -1 : 1;
  const parts = axis.ticks.map((tick, i) => {
    const y = PLOT.bottom - (i / (axis.ticks.length - 1)) * (PLOT.bottom - PLOT.top);
    return [
      element('line', { x1: edge, x2: edge + outward * 5, y1: y, y2: y, stroke: series.color }),
      text(edge + outward * 10, y + 4.5, series.label(tick, axis.decimals), {
        'text-anchor': side === 'left' ? 'end' : 'start',
        fill: series.color,
      }),
    ].join('');
  });
  const at = `translate(${edge + outward * 64} ${(PLOT.top + PLOT.bottom) / 2}) rotate(${90 * outward})`;
  const line = {
    x1: edge,
    x2: edge,
    y1: PLOT.top,
    y2: PLOT.bottom,
    stroke: series.color,
    'stroke-width': 1.5,
  };
  const title = text(0, 0, series.title, {
    'text-anchor': 'middle',
    'font-size': 14,
    'font-weight': 'bold',
    fill: series.color,
    transform: at,
  });
  return [element('line', line), ...parts, title].join('\n');
}

function curve(
  series: Series,
  axis: Axis,
  epochs: readonly EpochRecord[],
  x: (epoch: number) => number,
): string {
  const low = axis.ticks[0]!;
  const high = axis.ticks.at(-1)!;
  const y = (value: number) => PLOT.bottom - ((value - low) / (high - low)) * (PLOT.bottom - PLOT.top);
  const runs: string[][] = [[]];
  const markers: string[] = [];
  for (const record of epochs) {
    const value = series.value(record);
    if (!Number.isFinite(value)) {
      runs.push([]);
      continue;
    }
    runs.at(-1)!.push(`${x(record.epoch).toFixed(2)},${y(value).toFixed(2)}`);
    // Beyond 40 epochs markers would touch; the line alone reads better.
    if (epochs.length <= 40) markers.push(marker(series, record, x(record.epoch), y(value)));
  }
  const lines = runs
    .filter((points) => points.length > 1)
    .map((points) => element('polyline', { points: points.join(' ') }));
  return [
    element(
      'g',
      { fill: 'none', stroke: series.color, 'stroke-width': 2.5, 'stroke-linejoin': 'round' },
      ...lines,
    ),
    element('g', { fill: series.color, stroke: '#ffffff', 'stroke-width': 1.5 }, ...markers),
  ].join('\n');
}

function marker(series: Series, record: EpochRecord, x: number, y: number): string {
  const value = series.value(record);
  const shown = series === COST ? `cost ${costText(value)}` : `accuracy ${grouped(value * 100, 2)} %`;
  const tooltip = element('title', {}, `epoch ${record.epoch}: ${shown}`);
  return series.marker === 'circle'
    ? element('circle', { cx: x, cy: y, r: 5 }, tooltip)
    : element('rect', { x: x - 4.5, y: y - 4.5, width: 9, height: 9 }, tooltip);
}

function emptyNote(): string {
  return text((PLOT.left + PLOT.right) / 2, (PLOT.top + PLOT.bottom) / 2, 'No epoch was finished', {
    'text-anchor': 'middle',
    'font-size': 16,
    fill: MUTED,
  });
}

function description(history: History): string {
  const { epochs } = history;
  if (epochs.length === 0) return 'No epoch was finished.';
  const said = (record: EpochRecord) => {
    const cost = Number.isFinite(record.cost) ? `cost ${costText(record.cost)}` : 'no cost';
    const rate = Number.isFinite(record.accuracy) ? `${grouped(record.accuracy * 100, 2)} %` : 'none';
    return `epoch ${record.epoch}: ${cost}, accuracy ${rate}`;
  };
  return `${epochs.length === 1 ? '' : `${said(epochs[0]!)}; `}${said(epochs.at(-1)!)}.`;
}
