import type { Point } from './curve.js';
import { createSvg } from './dom.js';
import { integerTicks, rangeOf, sharedAxes } from './twill.js';

export interface Line {
  /** A class of style/training.css. */
  readonly kind: 'train' | 'test' | 'exact';
  readonly points: readonly Point[];
}

export interface ChartOptions {
  readonly limits: { readonly lower: number; readonly upper: number };
  /** A tick of the vertical axis, in words. */
  readonly label: (value: number, decimals: number) => string;
}

const MARGIN = { left: 46, right: 10, top: 10, bottom: 36 };
const HEIGHT = 210;

/** Lines over the epochs, as wide as there is room; its colours are the style sheet's. */
export class LineChart {
  readonly #svg: SVGSVGElement;
  readonly #options: ChartOptions;
  #width = 0;
  #lines: readonly Line[] = [];
  #epochs = 1;

  constructor(svg: SVGSVGElement, options: ChartOptions) {
    this.#svg = svg;
    this.#options = options;
    new ResizeObserver(([entry]) => {
      this.#width = Math.round(entry!.contentRect.width);
      this.#render();
    }).observe(svg);
  }

  draw(lines: readonly Line[], epochs: number): void {
    this.#lines = lines;
    this.#epochs = epochs;
    this.#render();
  }

  /** What a screen reader says of it. */
  describe(text: string): void {
    this.#svg.setAttribute('aria-label', text);
  }

  #render(): void {
    if (this.#width === 0) return;
    this.#svg.setAttribute('viewBox', `0 0 ${this.#width} ${HEIGHT}`);
    const right = this.#width - MARGIN.right;
    const bottom = HEIGHT - MARGIN.bottom;
    const x = (value: number) => MARGIN.left + (value / this.#epochs) * (right - MARGIN.left);
    const parts: SVGElement[] = [];
    for (const tick of integerTicks(0, this.#epochs, 9)) {
      parts.push(createSvg('text', { x: x(tick), y: bottom + 17, class: 'tick middle' }, String(tick)));
    }
    parts.push(createSvg('text', { x: right, y: HEIGHT - 3, class: 'tick end' }, 'epochs'));
    const { limits, label } = this.#options;
    const range = rangeOf(
      this.#lines.flatMap(({ points }) => points.map(({ y }) => y)),
      limits,
    );
    const axis = range && sharedAxes([{ range, limits }])[0];
    if (!axis) {
      parts.push(createSvg('line', { x1: MARGIN.left, x2: right, y1: bottom, y2: bottom, class: 'grid' }));
      this.#svg.replaceChildren(...parts);
      return;
    }
    const [low, high] = [axis.ticks[0]!, axis.ticks.at(-1)!];
    const y = (value: number) => bottom - ((value - low) / (high - low)) * (bottom - MARGIN.top);
    for (const tick of axis.ticks) {
      parts.push(
        createSvg('line', { x1: MARGIN.left, x2: right, y1: y(tick), y2: y(tick), class: 'grid' }),
        createSvg(
          'text',
          { x: MARGIN.left - 8, y: y(tick) + 4, class: 'tick end' },
          label(tick, axis.decimals),
        ),
      );
    }
    for (const { kind, points } of this.#lines) {
      if (kind === 'exact') {
        parts.push(
          ...points.map((one) => createSvg('circle', { cx: x(one.x), cy: y(one.y), r: 4, class: kind })),
        );
      } else if (points.length > 0) {
        const path = points.map((one) => `${x(one.x).toFixed(1)},${y(one.y).toFixed(1)}`).join(' ');
        parts.push(createSvg('polyline', { points: path, class: kind }));
      }
    }
    this.#svg.replaceChildren(...parts);
  }
}
