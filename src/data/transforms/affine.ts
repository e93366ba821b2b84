import { OptionError } from '../../errors.js';
import { checkOptions, finiteNumber, numberBetween, oneOf, show } from '../../options.js';
import type { Generator } from '../../random.js';
import type { Pixels } from '../dataset.js';
import { type ImageForm, nameTransform, type Transform } from '../transform.js';

/** How a pixel between pixels is made: the nearest, or a mixture of the four around it. */
export type Interpolation = 'nearest' | 'bilinear';

/** What `new RandomRotation(...)` takes. */
export interface RandomRotationOptions {
  /** Degrees to either side, or smallest and largest angle, counter-clockwise. */
  degrees: number | readonly [number, number];
  /** Default `nearest`, as in torchvision. */
  interpolation?: Interpolation;
  /** What is put where the image does not reach, in the pixels' own units; default 0. */
  fill?: number;
}

/** What `new RandomAffine(...)` takes. */
export interface RandomAffineOptions extends RandomRotationOptions {
  /** Farthest shift to the right or left and down or up, as parts of the width and of the height; default none. */
  translate?: readonly [number, number];
  /** Smallest and largest factor; default 1. */
  scale?: readonly [number, number];
}

/**
 * Turned, scaled and shifted about its middle, torchvision's RandomAffine (whose angles count clockwise; here they
 * count counter-clockwise, as those of RandomRotation). A shift is a whole number of pixels.
 */
export class RandomAffine implements Transform {
  static {
    nameTransform(this, 'RandomAffine');
  }

  readonly random = true;
  /** Smallest and largest angle, counter-clockwise. */
  readonly degrees: readonly [number, number];
  /** Farthest shift, as parts of the width and of the height. */
  readonly translate: readonly [number, number];
  /** Smallest and largest factor. */
  readonly scale: readonly [number, number];
  /** How a pixel between pixels is made. */
  readonly interpolation: Interpolation;
  /** What is put where the image does not reach. */
  readonly fill: number;

  /** Throws `OptionError` for numbers out of range, intervals that are empty and unknown options. */
  constructor(options: RandomAffineOptions, where = 'RandomAffine') {
    const known = ['degrees', 'translate', 'scale', 'interpolation', 'fill'] as const;
    const checked = checkOptions(where, options, known);
    const { degrees, translate = [0, 0], scale = [1, 1], interpolation = 'nearest', fill = 0 } = checked;
    this.degrees =
      typeof degrees === 'number'
        ? [-numberBetween(where, 'degrees', degrees, 0, 360), degrees]
        : ascending(where, 'degrees', degrees, -360, 360);
    this.translate = two(where, 'translate', translate).map((part) =>
      numberBetween(where, 'translate', part, 0, 1),
    ) as [number, number];
    this.scale = ascending(where, 'scale', scale, Number.MIN_VALUE, Number.MAX_VALUE);
    this.interpolation = oneOf(where, 'interpolation', interpolation, ['nearest', 'bilinear']);
    this.fill = finiteNumber(where, 'fill', fill);
  }

  /** What makes another one like it: `new RandomAffine(affine.options)`. */
  get options(): RandomAffineOptions {
    const { degrees, translate, scale, interpolation, fill } = this;
    return { degrees, translate, scale, interpolation, fill };
  }

  output(input: ImageForm): ImageForm {
    return input;
  }

  apply(source: Pixels, target: Pixels, form: ImageForm, generator: Generator): void {
    const [C, H, W] = form.shape;
    const angle = (generator.uniform(...this.degrees) * Math.PI) / 180;
    const scale = generator.uniform(...this.scale);
    const [shiftX, shiftY] = [this.translate[0] * W, this.translate[1] * H].map((most) =>
      Math.round(generator.uniform(-most, most)),
    ) as [number, number];
    const [middleX, middleY] = [(W - 1) / 2, (H - 1) / 2];
    const [cos, sin] = [Math.cos(angle) / scale, Math.sin(angle) / scale];
    const sample = this.interpolation === 'nearest' ? nearest : bilinear;
    for (let y = 0; y < H; y++) {
      for (let x = 0; x < W; x++) {
        const [dx, dy] = [x - middleX - shiftX, y - middleY - shiftY];
        // Rows grow downwards, so that this is a turn back by an angle that counts counter-clockwise.
        const fromX = middleX + cos * dx - sin * dy;
        const fromY = middleY + sin * dx + cos * dy;
        for (let channel = 0; channel < C; channel++) {
          target[(channel * H + y) * W + x] = sample(source, channel * H * W, H, W, fromX, fromY, this.fill);
        }
      }
    }
  }
}

/** Turned about its middle by an angle, everyone as likely, torchvision's RandomRotation. */
export class RandomRotation extends RandomAffine {
  static {
    nameTransform(this, 'RandomRotation');
  }

  /** Throws `OptionError` for numbers out of range and unknown options. */
  constructor(options: RandomRotationOptions) {
    const where = 'RandomRotation';
    super(checkOptions(where, options, ['degrees', 'interpolation', 'fill']), where);
  }

  override get options(): RandomRotationOptions {
    const { degrees, interpolation, fill } = this;
    return { degrees, interpolation, fill };
  }
}

type Sampler = (
  image: Pixels,
  start: number,
  H: number,
  W: number,
  x: number,
  y: number,
  fill: number,
) => number;

const nearest: Sampler = (image, start, H, W, x, y, fill) => {
  const [column, row] = [Math.round(x), Math.round(y)];
  return column >= 0 && column < W && row >= 0 && row < H ? image[start + row * W + column]! : fill;
};

const bilinear: Sampler = (image, start, H, W, x, y, fill) => {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [right, bottom] = [x - left, y - top];
  const upper = (1 - right) * nearest(image, start, H, W, left, top, fill);
  const lower = (1 - right) * nearest(image, start, H, W, left, top + 1, fill);
  const mixed =
    (1 - bottom) * (upper + right * nearest(image, start, H, W, left + 1, top, fill)) +
    bottom * (lower + right * nearest(image, start, H, W, left + 1, top + 1, fill));
  return image instanceof Uint8Array ? Math.round(mixed) : mixed;
};

function two(where: string, name: string, value: readonly [number, number]): readonly number[] {
  if (Array.isArray(value) && value.length === 2) return value;
  throw new OptionError(`[${where}] ${name} must be two numbers but is ${show(value)}`);
}

function ascending(
  where: string,
  name: string,
  value: readonly [number, number],
  low: number,
  high: number,
): readonly [number, number] {
  const [first, last] = two(where, name, value) as [number, number];
  const smallest = numberBetween(where, `the smallest of ${name}`, first, low, high);
  return [smallest, numberBetween(where, `the largest of ${name}`, last, smallest, high)];
}
