import { OptionError } from '../errors.js';
import { show } from '../options.js';
import type { Generator } from '../random.js';
import type { ImageShape, Pixels } from './dataset.js';

/** What images are like, on their way through transforms. */
export interface ImageForm {
  /** Of one image. */
  readonly shape: ImageShape;
  /** Bytes 0..255, or floats. */
  readonly dtype: 'uint8' | 'float32';
}

/** Changes images on their way into a batch: augmentation, normalisation. */
export interface Transform {
  /** Whether it draws from the generator. */
  readonly random: boolean;
  /** What it makes of images of a form; throws `ShapeError` where it cannot take them. */
  output(input: ImageForm): ImageForm;
  /** Writes what becomes of one image of the form `input` into `target`, all of it. */
  apply(source: Pixels, target: Pixels, input: ImageForm, generator: Generator): void;
}

const NAMES = new WeakMap<object, string>();

/** Says what a class of transforms is called: a minifier renames classes. */
export function nameTransform(Class: object, name: string): void {
  NAMES.set(Class, name);
}

/**
 * A transform as text, `RandomCrop(padding: [2, 2], fill: 0)`: its class and what it was told, or what it holds where it
 * has no `options`.
 */
export function describeTransform(transform: Transform): string {
  const { constructor } = transform;
  const name = (NAMES.get(constructor) ?? constructor.name) || 'a transform';
  const { options = transform } = transform as { options?: object };
  const told = Object.entries(options).filter(([, value]) => typeof value !== 'function');
  return `${name}(${told.map(([key, value]) => `${key}: ${plain(value)}`).join(', ')})`;
}

function plain(value: unknown): string {
  const list = ArrayBuffer.isView(value) ? Array.from(value as Float32Array) : value;
  return (JSON.stringify(list) ?? String(list)).replaceAll(',', ', ');
}

/** Floats or bytes of one image. */
export function pixelsOf({ shape }: ImageForm): number {
  return shape[0] * shape[1] * shape[2];
}

export function pixelArray({ dtype }: Pick<ImageForm, 'dtype'>, length: number): Pixels {
  return dtype === 'uint8' ? new Uint8Array(length) : new Float32Array(length);
}

/** Images of one size and type, one after the other in one array; bytes where there are none. */
export function joinPixels(images: readonly Pixels[]): Pixels {
  const size = images[0]?.length ?? 0;
  const dtype = images[0] instanceof Float32Array ? 'float32' : 'uint8';
  const all = pixelArray({ dtype }, images.length * size);
  images.forEach((image, n) => all.set(image, n * size));
  return all;
}

/** Transforms one after the other, with the room that they need in between. */
export class Pipeline {
  /** What comes out. */
  readonly form: ImageForm;
  /** Whether anything is drawn. */
  readonly random: boolean;
  readonly #steps: readonly { transform: Transform; input: ImageForm; source: Pixels }[];

  /** Throws `OptionError` for what is no transform, `ShapeError` where one cannot take what it is given. */
  constructor(where: string, input: ImageForm, transforms: readonly Transform[]) {
    if (!Array.isArray(transforms)) {
      throw new OptionError(`[${where}] transforms must be an array but is ${show(transforms)}`);
    }
    let form: ImageForm = { shape: input.shape, dtype: input.dtype };
    this.#steps = transforms.map((transform: Transform, index) => {
      if (typeof transform?.apply !== 'function' || typeof transform.output !== 'function') {
        throw new OptionError(`[${where}] transform ${index} must be a transform but is ${show(transform)}`);
      }
      const step = { transform, input: form, source: pixelArray(form, pixelsOf(form)) };
      form = transform.output(form);
      return step;
    });
    this.form = form;
    this.random = transforms.some(({ random }) => random);
  }

  /** Writes what becomes of `source`, one image, into `target`. */
  run(source: Pixels, target: Pixels, generator: Generator): void {
    if (this.#steps.length === 0) return target.set(source);
    let current = source;
    this.#steps.forEach(({ transform, input }, index) => {
      const next = this.#steps[index + 1]?.source ?? target;
      transform.apply(current, next, input, generator);
      current = next;
    });
  }
}
