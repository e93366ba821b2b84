import { OptionError, ShapeError } from '../../errors.js';
import { checkOptions, finiteNumber, show } from '../../options.js';
import type { Pixels } from '../dataset.js';
import { type ImageForm, nameTransform, type Transform } from '../transform.js';

/** What `new Normalize(...)` takes. */
export interface NormalizeOptions {
  /** One a channel, or one for all. */
  mean: number | readonly number[];
  /** One a channel, or one for all; not 0. */
  std: number | readonly number[];
}

/**
 * (x - mean) / std a channel, torchvision's ToTensor and Normalize: bytes are scaled to 0..1 first, floats are taken
 * as they are; floats come out.
 */
export class Normalize implements Transform {
  static {
    nameTransform(this, 'Normalize');
  }

  readonly random = false;
  /** One a channel, or one for all. */
  readonly mean: readonly number[];
  /** One a channel, or one for all. */
  readonly std: readonly number[];

  /** Throws `OptionError` for numbers that are not finite, a `std` of 0 and unknown options. */
  constructor(options: NormalizeOptions) {
    const where = 'Normalize';
    const { mean, std } = checkOptions(where, options, ['mean', 'std']);
    this.mean = numbers(where, 'mean', mean);
    this.std = numbers(where, 'std', std);
    if (this.std.includes(0)) throw new OptionError(`[${where}] std must not be 0 but is ${show(std)}`);
  }

  /** What makes another one like it: `new Normalize(normalize.options)`. */
  get options(): NormalizeOptions {
    return { mean: this.mean, std: this.std };
  }

  output({ shape }: ImageForm): ImageForm {
    for (const [name, values] of Object.entries({ mean: this.mean, std: this.std })) {
      if (values.length !== 1 && values.length !== shape[0]) {
        throw new ShapeError(`[Normalize] has a ${name} for ${values.length} channels but got ${shape[0]}`);
      }
    }
    return { shape, dtype: 'float32' };
  }

  apply(source: Pixels, target: Pixels, { shape: [C, H, W], dtype }: ImageForm): void {
    const unit = dtype === 'uint8' ? 1 / 255 : 1;
    for (let channel = 0; channel < C; channel++) {
      const mean = this.mean[channel] ?? this.mean[0]!;
      const std = this.std[channel] ?? this.std[0]!;
      for (let i = channel * H * W; i < (channel + 1) * H * W; i++)
        target[i] = (source[i]! * unit - mean) / std;
    }
  }
}

function numbers(where: string, name: string, value: number | readonly number[]): readonly number[] {
  const list = Array.isArray(value) ? value : [value as number];
  if (list.length === 0) throw new OptionError(`[${where}] ${name} must hold a number a channel but is []`);
  return list.map((one: number) => finiteNumber(where, name, one));
}
