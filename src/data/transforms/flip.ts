import { checkOptions, numberBetween } from '../../options.js';
import type { Generator } from '../../random.js';
import type { Pixels } from '../dataset.js';
import { type ImageForm, nameTransform, type Transform } from '../transform.js';

/** What `new RandomHorizontalFlip(...)` and `new RandomVerticalFlip(...)` may be told. */
export interface RandomFlipOptions {
  /** How likely an image is flipped, 0 to 1; default 0.5. */
  p?: number;
}

abstract class RandomFlip implements Transform {
  readonly random = true;
  /** How likely an image is flipped. */
  readonly p: number;

  constructor(where: string, options: RandomFlipOptions | undefined) {
    const { p = 0.5 } = checkOptions(where, options, ['p']);
    this.p = numberBetween(where, 'p', p, 0, 1);
  }

  /** What makes another one like it. */
  get options(): Required<RandomFlipOptions> {
    return { p: this.p };
  }

  output(input: ImageForm): ImageForm {
    return input;
  }

  apply(source: Pixels, target: Pixels, input: ImageForm, generator: Generator): void {
    if (generator.float() < this.p) this.flip(source, target, input);
    else target.set(source);
  }

  /** @internal */
  protected abstract flip(source: Pixels, target: Pixels, input: ImageForm): void;
}

/** Left and right exchanged, as likely as `p`, torchvision's RandomHorizontalFlip. */
export class RandomHorizontalFlip extends RandomFlip {
  static {
    nameTransform(this, 'RandomHorizontalFlip');
  }

  /** Throws `OptionError` for a `p` outside 0..1 and unknown options. */
  constructor(options?: RandomFlipOptions) {
    super('RandomHorizontalFlip', options);
  }

  /** @internal */
  protected flip(source: Pixels, target: Pixels, { shape: [C, H, W] }: ImageForm): void {
    for (let row = 0; row < C * H * W; row += W) {
      for (let x = 0; x < W; x++) target[row + x] = source[row + W - 1 - x]!;
    }
  }
}

/** Top and bottom exchanged, as likely as `p`, torchvision's RandomVerticalFlip. */
export class RandomVerticalFlip extends RandomFlip {
  static {
    nameTransform(this, 'RandomVerticalFlip');
  }

  /** Throws `OptionError` for a `p` outside 0..1 and unknown options. */
  constructor(options?: RandomFlipOptions) {
    super('RandomVerticalFlip', options);
  }

  /** @internal */
  protected flip(source: Pixels, target: Pixels, { shape: [C, H, W] }: ImageForm): void {
    for (let row = 0; row < C * H; row++) {
      const y = row % H;
      const from = (row + H - 1 - 2 * y) * W;
      target.set(source.subarray(from, from + W), row * W);
    }
  }
}
