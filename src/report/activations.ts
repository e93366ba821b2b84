import { mosaic, mosaicSize, type Planes } from './mosaic.js';
import { percentage } from './format.js';
import { element, fit, picture, text } from './svg.js';
import { COLOUR } from './theme.js';
import { className, type Gallery, tile } from './tile.js';

/** What a layer makes of one image. */
export interface Activation {
  /** The layer's path, or its op's name. */
  readonly name: string;
  /** `conv2d`, `relu`, ... */
  readonly op: string;
  /** [C, H, W], or [features]. */
  readonly shape: readonly number[];
  /** As many as `shape` comes to, in PyTorch's order. */
  readonly values: Float32Array;
}

/** An image, and how it went through a network. */
export interface ImageActivations {
  /** Number of the image in the gallery. */
  readonly index: number;
  /** In the order in which the layers ran. */
  readonly layers: readonly Activation[];
  /** One a class. */
  readonly probabilities: Float32Array;
}

const MARGIN = 24;
const TOP = 74;
const WIDTH = 860;
const SIZE = 112;
const MOST_PLANES = 64;
const MOST_FEATURES = 512;
const BARS = 10;

/**
 * Draws an image, what every layer makes of it, and the classes that the network thinks of; of wide layers the first
 * channels are shown.
 * @returns a whole SVG document
 */
export function activationsSvg(gallery: Gallery, { index, layers, probabilities }: ImageActivations): string {
  const title = 'An image on its way through the network';
  const truth = className(gallery, gallery.labels[index]!);
  const note = `Image ${index}, ${truth}. Orange values are positive, blue ones negative.`;
  const body = [
    text(MARGIN, 34, title, { 'font-size': 18, 'font-weight': 'bold', fill: COLOUR.ink }),
    text(MARGIN, 56, note, { fill: COLOUR.muted }),
    tile(gallery, index, MARGIN, TOP, SIZE),
    bars(gallery, index, probabilities, MARGIN + SIZE + 40, TOP),
  ];
  let y = TOP + Math.max(SIZE, Math.min(BARS, probabilities.length) * 18) + 30;
  // A flatten shows nothing that the layer before it did not.
  for (const layer of layers.filter(({ op }) => op !== 'flatten')) {
    const { drawing, height } = layerOf(layer, y);
    body.push(drawing);
    y += height;
  }
  return picture(WIDTH, y, title, note, body);
}

function layerOf({ name, op, shape, values }: Activation, y: number): { drawing: string; height: number } {
  const [C, H, W] = shape.length === 3 ? (shape as [number, number, number]) : [1, 1, shape[0]!];
  const planes: Planes = {
    count: Math.min(C, MOST_PLANES),
    height: H,
    width: Math.min(W, shape.length === 3 ? W : MOST_FEATURES),
    value: (plane, row, column) => values[(plane * H + row) * W + column]!,
  };
  // So many in a row that each number has two pixels at least, and rows are of a round length.
  const room = Math.floor((WIDTH - 2 * MARGIN) / (2 * (planes.width + 1)));
  const columns = Math.min(16, 2 ** Math.floor(Math.log2(Math.max(1, room))));
  const size = mosaicSize(planes, columns);
  const scale = Math.max(1, Math.min(16, Math.floor((WIDTH - 2 * MARGIN) / size.width)));
  const part =
    planes.count < C || planes.width < W ? `, the first ${Math.max(planes.count, planes.width)} shown` : '';
  const drawing = [
    text(MARGIN, y + 14, name, { 'font-weight': 'bold', fill: COLOUR.ink }),
    text(MARGIN, y + 32, `${name === op ? '' : `${op}, `}${shape.join(' x ')}${part}`, {
      fill: COLOUR.muted,
    }),
    mosaic(planes, columns, MARGIN, y + 42, scale),
  ].join('\n');
  return { drawing, height: 42 + size.height * scale + 26 };
}

/** The likeliest classes, the true one green. */
function bars(gallery: Gallery, index: number, probabilities: Float32Array, x: number, y: number): string {
  const ranked = [...probabilities.entries()].sort(([, a], [, b]) => b - a).slice(0, BARS);
  return ranked
    .map(([label, probability], i) => {
      const line = y + i * 18;
      const fill = label === gallery.labels[index] ? COLOUR.green : COLOUR.blue;
      const end = x + 150 + probability * 320;
      const name = fit(className(gallery, label), 140, 13);
      return [
        text(x + 140, line + 12, name, { 'text-anchor': 'end', fill: COLOUR.ink }),
        element('rect', { x: x + 150, y: line + 2, width: Math.max(1, probability * 320), height: 12, fill }),
        text(end + 8, line + 12, percentage(probability, 1), { fill: COLOUR.muted }),
      ].join('');
    })
    .join('\n');
}
