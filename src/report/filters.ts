import { mosaic, mosaicSize, type Planes } from './mosaic.js';
import { picture, text } from './svg.js';
import { COLOUR } from './theme.js';

/** The weight of a convolution, as a state dict has it. */
export interface Filters {
  /** `cnn1.weight` */
  readonly name: string;
  /** [OC, IC, KH, KW]. */
  readonly shape: readonly number[];
  /** As many values as `shape` comes to. */
  readonly data: Float32Array;
}

const MARGIN = 24;
const TOP = 74;
const WIDTH = 860;
const MOST = { columns: 48, rows: 16, layers: 4 };

/**
 * Draws what convolutions have learnt: a column for each of their output channels, a row for each input channel;
 * orange weights are positive, blue ones negative. Of large layers the first channels are shown.
 * @returns a whole SVG document
 */
export function filtersSvg(filters: readonly Filters[]): string {
  const shown = filters.slice(0, MOST.layers);
  const body: string[] = [];
  let y = TOP;
  for (const one of shown) {
    const { drawing, height } = layer(one, y);
    body.push(drawing);
    y += height;
  }
  const title = 'What the convolutions have learnt';
  const rest = filters.length - shown.length;
  const note = `Orange weights are positive, blue ones negative${rest > 0 ? `; ${rest} more layers are not shown` : ''}.`;
  const head = [
    text(MARGIN, 34, title, { 'font-size': 18, 'font-weight': 'bold', fill: COLOUR.ink }),
    text(MARGIN, 56, shown.length > 0 ? note : 'There are none.', { fill: COLOUR.muted }),
  ];
  return picture(WIDTH, y + 4, title, note, [...head, ...body]);
}

function layer({ name, shape, data }: Filters, y: number): { drawing: string; height: number } {
  const [OC, IC, KH, KW] = shape as [number, number, number, number];
  const [columns, rows] = [Math.min(OC, MOST.columns), Math.min(IC, MOST.rows)];
  const planes: Planes = {
    count: columns * rows,
    height: KH,
    width: KW,
    value: (plane, row, column) => {
      const [out, input] = [plane % columns, Math.floor(plane / columns)];
      return data[((out * IC + input) * KH + row) * KW + column]!;
    },
  };
  const size = mosaicSize(planes, columns);
  const scale = Math.max(1, Math.min(10, Math.floor((WIDTH - 2 * MARGIN) / size.width)));
  const part = columns < OC || rows < IC ? `, of which the first ${columns} x ${rows} are shown` : '';
  const says = `${OC} filters of ${IC} x ${KH} x ${KW}${part}`;
  const drawing = [
    text(MARGIN, y + 14, name, { 'font-weight': 'bold', fill: COLOUR.ink }),
    text(MARGIN, y + 32, says, { fill: COLOUR.muted }),
    mosaic(planes, columns, MARGIN, y + 44, scale),
  ].join('\n');
  return { drawing, height: 44 + size.height * scale + 28 };
}
