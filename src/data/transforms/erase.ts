import { OptionError } from '../../errors.js';
import { checkOptions, finiteNumber, numberBetween, show } from '../../options.js';
import type { Generator } from '../../random.js';
import type { Pixels } from '../dataset.js';
import { type ImageForm, nameTransform, type Transform } from '../transform.js';

/** What `new RandomErasing(...)` may be told. */
export interface RandomErasingOptions {
  /** How likely an image loses a part, 0 to 1; default 0.5. */
  p?: number;
  /** Smallest and largest part of the image's area; default 0.02 and 0.33. */
  scale?: readonly [number, number];
  /** Smallest and largest height over width; default 0.3 and 3.3. */
  ratio?: readonly [number, number];
  /** What is put there, in the pixels' own units; `random`: noise (bytes 0..255, or floats 0..1). Default 0. */
  value?: number | 'random';
}

/** How often a rectangle is drawn before an image in which none fits stays whole, as in torchvision. */
const ATTEMPTS = 10;

/**
 * A rectangle is erased, as likely as `p` (Zhong et al., "Random Erasing Data Augmentation", 2017), torchvision's
 * RandomErasing.
 */
export class RandomErasing implements Transform {
  static {
    nameTransform(this, 'RandomErasing');
  }

  readonly random = true;
  /** How likely an image loses a part. */
  readonly p: number;
  /** Smallest and largest part of the image's area. */
  readonly scale: readonly [number, number];
  /** Smallest and largest height over width. */
  readonly ratio: readonly [number, number];
  /** What is put there. */
  readonly value: number | 'random';

  /** Throws `OptionError` for numbers out of range, intervals that are empty and unknown options. */
  constructor(options?: RandomErasingOptions) {
    const where = 'RandomErasing';
    const known = ['p', 'scale', 'ratio', 'value'] as const;
    const {
      p = 0.5,
      scale = [0.02, 0.33],
      ratio = [0.3, 3.3],
      value = 0,
    } = checkOptions(where, options, known);
    this.p = numberBetween(where, 'p', p, 0, 1);
    this.scale = interval(where, 'scale', scale, 0, 1);
    this.ratio = interval(where, 'ratio', ratio, Number.MIN_VALUE, Number.MAX_VALUE);
    this.value = value === 'random' ? value : finiteNumber(where, 'value', value);
  }

  /** What makes another one like it: `new RandomErasing(erasing.options)`. */
  get options(): Required<RandomErasingOptions> {
    const { p, scale, ratio, value } = this;
    return { p, scale, ratio, value };
  }

  output(input: ImageForm): ImageForm {
    return input;
  }

  apply(source: Pixels, target: Pixels, { shape: [C, H, W], dtype }: ImageForm, generator: Generator): void {
    target.set(source);
    if (generator.float() >= this.p) return;
    const part = this.#rectangle(H, W, generator);
    if (!part) return;
    const noise = () => (dtype === 'uint8' ? generator.integer(256) : generator.float());
    for (let row = 0; row < C * part.height; row++) {
      const y = part.top + (row % part.height);
      const from = (Math.floor(row / part.height) * H + y) * W + part.left;
      for (let x = from; x < from + part.width; x++) {
        target[x] = this.value === 'random' ? noise() : this.value;
      }
    }
  }

  #rectangle(H: number, W: number, generator: Generator) {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const area = H * W * generator.uniform(...this.scale);
      const aspect = Math.exp(generator.uniform(Math.log(this.ratio[0]), Math.log(this.ratio[1])));
      const height = Math.round(Math.sqrt(area * aspect));
      const width = Math.round(Math.sqrt(area / aspect));
      if (height >= H || width >= W) continue;
      return {
        height,
        width,
        top: generator.integer(H - height + 1),
        left: generator.integer(W - width + 1),
      };
    }
    return undefined;
  }
}

function interval(
  where: string,
  name: string,
  value: readonly [number, number],
  low: number,
  high: number,
): readonly [number, number] {
  if (!Array.isArray(value) || value.length !== 2) {
    throw new OptionError(`[${where}] ${name} must be a smallest and a largest number but is ${show(value)}`);
  }
  const first = numberBetween(where, `the smallest ${name}`, value[0], low, high);
  return [first, numberBetween(where, `the largest ${name}`, value[1], first, high)];
}
