import { ShapeError } from '../../errors.js';
import { pair, type Size2d } from '../../nn/pair.js';
import { checkOptions, finiteNumber } from '../../options.js';
import type { Generator } from '../../random.js';
import type { Pixels } from '../dataset.js';
import { type ImageForm, nameTransform, type Transform } from '../transform.js';

/** What `new RandomCrop(...)` may be told. */
export interface RandomCropOptions {
  /** Height and width of what is cut out; default those of the image: a shift by up to `padding`. */
  size?: Size2d;
  /** Pixels of `fill` around the image before it is cut; default 0. */
  padding?: Size2d;
  /** In the pixels' own units, bytes 0..255 or floats; default 0. */
  fill?: number;
}

/** A part of the image, everywhere as likely, torchvision's RandomCrop. With a padding it shifts the image. */
export class RandomCrop implements Transform {
  static {
    nameTransform(this, 'RandomCrop');
  }

  readonly random = true;
  /** Height and width of what is cut out; undefined: the image's. */
  readonly size: readonly [number, number] | undefined;
  /** Pixels above and below, to the left and the right. */
  readonly padding: readonly [number, number];
  /** What they are. */
  readonly fill: number;

  /** Throws `OptionError` for sizes that are no positive whole numbers and unknown options. */
  constructor(options?: RandomCropOptions) {
    const where = 'RandomCrop';
    const { size, padding = 0, fill = 0 } = checkOptions(where, options, ['size', 'padding', 'fill']);
    this.size = size === undefined ? undefined : pair(where, 'size', size, 1);
    this.padding = pair(where, 'padding', padding, 0);
    this.fill = finiteNumber(where, 'fill', fill);
  }

  /** What makes another one like it: `new RandomCrop(crop.options)`. */
  get options(): RandomCropOptions {
    const { size, padding, fill } = this;
    return { ...(size && { size }), padding, fill };
  }

  output({ shape, dtype }: ImageForm): ImageForm {
    const [C, H, W] = shape;
    const [OH, OW] = this.size ?? [H, W];
    const [padH, padW] = this.padding;
    if (OH > H + 2 * padH || OW > W + 2 * padW) {
      throw new ShapeError(
        `[RandomCrop] cannot cut ${OH}x${OW} pixels out of ${H + 2 * padH}x${W + 2 * padW}, padding included`,
      );
    }
    return { shape: [C, OH, OW], dtype };
  }

  apply(source: Pixels, target: Pixels, { shape: [C, H, W] }: ImageForm, generator: Generator): void {
    const [OH, OW] = this.size ?? [H, W];
    const [padH, padW] = this.padding;
    const top = generator.integer(H + 2 * padH - OH + 1) - padH;
    const left = generator.integer(W + 2 * padW - OW + 1) - padW;
    const first = Math.max(0, -left);
    const last = Math.min(OW, W - left);
    if (padH + padW > 0) target.fill(this.fill);
    for (let channel = 0; channel < C; channel++) {
      for (let y = Math.max(0, -top); y < Math.min(OH, H - top); y++) {
        const from = (channel * H + y + top) * W + left;
        const to = (channel * OH + y) * OW;
        for (let x = first; x < last; x++) target[to + x] = source[from + x]!;
      }
    }
  }
}
