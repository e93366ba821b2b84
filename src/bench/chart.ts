import { element, fit, picture, text } from '../report/svg.js';
import { type Figure, type Findings, grouped, isSound, ofPeak } from './figures.js';

const WIDTH = 900;
const NAMES = 340;
const RIGHT = WIDTH - 90;
const INK = '#222222';
const MUTED = '#666666';
const GRID = '#e3e3e3';
const TWILL = '#1565c0';
const PEER = '#b0bec5';
const COLORS: Readonly<Record<string, string>> = {
  forward: '#1565c0',
  'input gradient': '#2e7d32',
  'weight gradient': '#c62828',
};

/** A part of the picture, from its top to `height` below it. */
interface Panel {
  readonly height: number;
  draw(top: number): string[];
}

/**
 * Draws who is how fast: training steps and inference as bars, the sweep of layers as marks along the way to the peak.
 * @param subtitle the machine, the date
 * @returns a whole SVG document
 */
export function benchSvg({ figures }: Findings, subtitle: string): string {
  const sound = figures.filter(isSound);
  const panels = [
    ...bars(sound, 'step', 'Training steps at batch 100'),
    ...bars(sound, 'inference', 'Inference at batch 100'),
    ...sweeps(sound),
  ];
  const body = [
    text(24, 34, 'Twill and others on one machine', { 'font-size': 18, 'font-weight': 'bold', fill: INK }),
    text(24, 56, subtitle, { fill: MUTED }),
  ];
  let top = 84;
  for (const panel of panels) {
    body.push(...panel.draw(top));
    top += panel.height;
  }
  const description = `Bars of images a second and marks of the fraction of the peak; ${subtitle}.`;
  return picture(WIDTH, top + 8, 'Twill and others on one machine', description, body);
}

function heading(top: number, title: string, unit: string): string[] {
  return [
    text(24, top, title, { 'font-size': 15, 'font-weight': 'bold', fill: INK }),
    text(RIGHT, top, unit, { fill: MUTED, 'text-anchor': 'end' }),
  ];
}

const threads = (count: number) => `${count} ${count === 1 ? 'thread' : 'threads'}`;

const ROW = 24;

/** Images a second at batch 100, the fastest first. */
function bars(figures: readonly Figure[], section: 'step' | 'inference', title: string): Panel[] {
  const speed = ({ images = 1, timing }: Figure) => images / timing.seconds;
  const all = figures
    .filter((figure) => figure.section === section && figure.images === 100)
    .sort((a, b) => speed(b) - speed(a));
  if (all.length === 0) return [];
  const scale = (RIGHT - NAMES) / speed(all[0]!);
  const draw = (top: number) => [
    ...heading(top, title, 'images/s'),
    ...all.flatMap((figure, row) => {
      const y = top + 14 + row * ROW;
      const width = Math.max(1, speed(figure) * scale);
      const name = fit(`${figure.runner}, ${threads(figure.threads)}`, NAMES - 30, 13);
      const fill = figure.runner.startsWith('Twill') ? TWILL : PEER;
      return [
        text(NAMES - 10, y + 14, name, { 'text-anchor': 'end', fill: INK }),
        element('rect', { x: NAMES, y, width, height: ROW - 6, rx: 2, fill }),
        text(NAMES + width + 6, y + 14, Math.round(speed(figure)).toLocaleString('en-US'), { fill: INK }),
      ];
    }),
  ];
  return [{ height: all.length * ROW + 54, draw }];
}

const LINE = 18;
/** What is beyond is drawn at the edge. */
const MOST = 1.2;

/** For each way that Twill computes the layers: its passes as full circles, oneDNN's as rings beside them. */
function sweeps(figures: readonly Figure[]): Panel[] {
  const plain = figures.filter(({ pass }) => pass !== undefined && pass in COLORS);
  const twill = plain.filter(({ runner }) => runner.startsWith('Twill'));
  const ways = grouped(twill, 'sweep', (figure) => `${figure.runner}, ${threads(figure.threads)}`);
  return [...ways].map(([name, own]) => {
    const rows = [...grouped(own, 'sweep', ({ what }) => what)];
    const others = own[0]!.runner.startsWith('Twill native')
      ? plain.filter((one) => one.runner.startsWith('oneDNN') && one.threads === own[0]!.threads)
      : [];
    const height = rows.length * LINE + 86;
    return { height, draw: (top: number) => sweep(top, `Layers: ${name}`, rows, others) };
  });
}

const along = (fraction: number) => NAMES + Math.min(MOST, fraction) * ((RIGHT - NAMES) / MOST);

function sweep(
  top: number,
  title: string,
  rows: readonly (readonly [string, readonly Figure[]])[],
  others: readonly Figure[],
): string[] {
  const [first, last] = [top + 44, top + 44 + rows.length * LINE];
  const grid = [0, 0.25, 0.5, 0.75, 1].flatMap((tick) => [
    element('line', { x1: along(tick), x2: along(tick), y1: first - 8, y2: last - 8, stroke: GRID }),
    text(along(tick), last + 8, `${100 * tick} %`, { fill: MUTED, 'text-anchor': 'middle', 'font-size': 11 }),
  ]);
  const marks = rows.flatMap(([what, own], row) => {
    const y = first + row * LINE + 2;
    return [
      text(NAMES - 10, y + 4, fit(what, NAMES - 30, 12), {
        'text-anchor': 'end',
        fill: INK,
        'font-size': 12,
      }),
      ...others.filter((one) => one.what === what).map((one) => mark(one, y, false)),
      ...own.map((one) => mark(one, y, true)),
    ];
  });
  return [
    ...heading(top, title, 'nominal arithmetic, of the FMA peak'),
    ...legend(top + 22, others.length > 0),
    ...grid,
    ...marks,
  ];
}

function mark(figure: Figure, y: number, full: boolean): string {
  const color = COLORS[figure.pass!]!;
  const circle = { cx: along(ofPeak(figure)), cy: y, r: full ? 4.5 : 4 };
  return element(
    'circle',
    full ? { ...circle, fill: color } : { ...circle, fill: 'none', stroke: color, 'stroke-width': 1.5 },
  );
}

function legend(y: number, withOthers: boolean): string[] {
  const entries = Object.entries(COLORS).map(([pass, color]) => ({ name: pass, fill: color, stroke: color }));
  if (withOthers) entries.push({ name: 'rings: oneDNN', fill: 'none', stroke: MUTED });
  return entries.flatMap(({ name, fill, stroke }, i) => {
    const x = NAMES + 6 + i * 130;
    return [
      element('circle', { cx: x, cy: y - 4, r: 4.5, fill, stroke, 'stroke-width': 1.5 }),
      text(x + 10, y, name, { fill: MUTED, 'font-size': 12 }),
    ];
  });
}
