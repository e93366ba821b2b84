/** A convolution on square images, as the sweep measures it. */
export interface Layer {
  readonly name: string;
  readonly IC: number;
  readonly OC: number;
  /** Height and width of its images. */
  readonly size: number;
  readonly kernel: number;
  readonly padding: number;
  readonly stride: number;
  readonly dilation: number;
  readonly groups: number;
  /** By minimal filtering. */
  readonly winograd?: boolean;
  /** Size of a max-pool after it: then it is measured fused, with ReLU, as well. */
  readonly pool?: number;
  /** Measured also when there is little time. */
  readonly quick?: boolean;
}

interface Extras {
  readonly stride?: number;
  readonly dilation?: number;
  readonly groups?: number;
  readonly padding?: number;
  readonly pool?: number;
  readonly winograd?: boolean;
  readonly quick?: boolean;
  /** What people know it as. */
  readonly known?: string;
}

/** "Same" padding, one group, stride 1 and no pool unless the extras say otherwise. */
function layer(IC: number, OC: number, kernel: number, size: number, extras: Extras = {}): Layer {
  const { stride = 1, dilation = 1, groups = 1, pool, winograd, quick, known } = extras;
  const same = (dilation * (kernel - 1)) / 2;
  const padding = extras.padding ?? same;
  const marks = [
    stride > 1 && `stride ${stride}`,
    dilation > 1 && `dilation ${dilation}`,
    groups === IC && groups > 1 ? 'depthwise' : groups > 1 && `${groups} groups`,
    padding !== same && `padding ${padding}`,
    winograd && 'Winograd',
    known && `(${known})`,
  ].filter(Boolean);
  const name = [`${IC}→${OC} ${kernel}x${kernel} ${size}x${size}`, ...marks].join(' ');
  return { name, IC, OC, size, kernel, padding, stride, dilation, groups, pool, winograd, quick };
}

/** Layers that people use, from the article's to those of small residual and separable networks. */
export const LAYERS: readonly Layer[] = [
  layer(1, 16, 5, 28, { pool: 2, quick: true, known: 'article 1' }),
  layer(16, 32, 5, 14, { pool: 2, quick: true, known: 'article 2' }),

  layer(1, 8, 3, 28, {}),
  layer(3, 16, 3, 32, { pool: 2 }),
  layer(3, 32, 3, 64, {}),
  layer(3, 64, 7, 64, { stride: 2 }),

  layer(8, 8, 3, 28, {}),
  layer(16, 16, 3, 32, {}),
  layer(32, 32, 3, 28, { pool: 2 }),
  layer(32, 64, 3, 14, { quick: true }),
  layer(64, 64, 3, 14, {}),
  layer(64, 64, 3, 56, {}),
  layer(128, 128, 3, 7, { quick: true }),
  layer(128, 128, 3, 14, {}),

  layer(32, 64, 3, 14, { winograd: true, quick: true }),
  layer(64, 64, 3, 14, { winograd: true }),
  layer(64, 64, 3, 56, { winograd: true }),
  layer(128, 128, 3, 7, { winograd: true }),

  layer(8, 16, 5, 64, {}),
  layer(32, 32, 5, 28, {}),
  layer(64, 64, 5, 14, {}),

  layer(32, 128, 1, 28, {}),
  layer(64, 128, 1, 28, {}),
  layer(128, 32, 1, 14, { quick: true }),

  layer(32, 64, 3, 28, { stride: 2, quick: true }),
  layer(64, 128, 3, 14, { stride: 2 }),
  layer(64, 128, 1, 28, { stride: 2 }),
  layer(64, 64, 3, 28, { dilation: 2 }),

  layer(6, 16, 5, 14, { padding: 0, pool: 2, known: 'LeNet 2' }),
  layer(20, 50, 5, 12, { padding: 0, pool: 2, quick: true, known: 'Caffe LeNet 2' }),
  layer(24, 40, 3, 28, {}),
  layer(33, 65, 3, 14, {}),

  layer(64, 64, 3, 28, { groups: 4 }),
  layer(64, 64, 3, 28, { groups: 64, quick: true }),
  layer(64, 64, 3, 28, { groups: 64, stride: 2 }),
  layer(40, 40, 5, 14, { groups: 40 }),
];

/** Height and width of a layer's output. */
export function outputSize({ size, kernel, padding, stride, dilation }: Layer): number {
  return Math.floor((size + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
}

/** Nominal arithmetic of one pass over one image: every tap of every output counts, those on padding too. */
export function flopsOf(layer: Layer): number {
  const { IC, OC, kernel, groups } = layer;
  return 2 * OC * outputSize(layer) ** 2 * (IC / groups) * kernel ** 2;
}

/**
 * Images to measure a layer on: as many as make about 2 MiB of input and output, so that they stay in a level-2
 * cache or two, but one for each of the 16 slices that a run is cut into, and no more than 100.
 */
export function batchOf(layer: Layer): number {
  const bytes = 4 * (layer.IC * layer.size ** 2 + layer.OC * outputSize(layer) ** 2);
  return Math.max(16, Math.min(100, Math.round(2 ** 21 / bytes)));
}
