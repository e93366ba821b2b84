import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError, OptionError } from '../errors.js';
import { readBytes } from '../io/file.node.js';
import { pair, type Size2d } from '../nn/pair.js';
import { checkOptions, show } from '../options.js';
import { ImageDataset, type ImageShape } from './dataset.js';
import { type DecodedImage, decodeImage, luma } from './image-file.node.js';
import { resize } from './resize.js';
import { joinPixels } from './transform.js';

/** What `loadImageFolder` may be told. */
export interface ImageFolderOptions {
  /** Height and width to which every image is scaled; default those of the images, which then have to agree. */
  size?: Size2d;
  /** 1: grey (ITU-R BT.601), 3: red, green, blue; default 3. */
  channels?: 1 | 3;
}

/** Images beyond 256 MB are refused unread. */
const MOST_BYTES = 2 ** 28;

/**
 * Reads `directory/class/*.png` and `*.jpg`, torchvision's ImageFolder: every folder is a class, in the order of their
 * names, and its images come in the order of theirs. Pixels are bytes; transparency is ignored. Everything is read
 * into memory. Throws `DataError` where there is no folder or no image in one, or sizes differ and none was given;
 * `FormatError` naming a file that cannot be decoded.
 */
export async function loadImageFolder(
  directory: string,
  options?: ImageFolderOptions,
): Promise<ImageDataset> {
  const where = 'loadImageFolder';
  const { size, channels = 3 } = checkOptions(where, options, ['size', 'channels']);
  if (channels !== 1 && channels !== 3) {
    throw new OptionError(`[${where}] channels must be 1 or 3 but is ${show(channels)}`);
  }
  let wanted = size === undefined ? undefined : pair(where, 'size', size, 1);
  const classes = await classesIn(directory);
  const images: Uint8Array[] = [];
  const labels: number[] = [];
  for (const [label, name] of classes.entries()) {
    for (const file of await imagesIn(join(directory, name))) {
      const image = decodeImage(await readBytes(file, MOST_BYTES), file);
      wanted ??= [image.height, image.width];
      if (size === undefined && (image.height !== wanted[0] || image.width !== wanted[1])) {
        throw new DataError(
          `${file} is ${image.width} x ${image.height} pixels but those before it ${wanted[1]} x ${wanted[0]}: ` +
            'say which size to scale them to',
        );
      }
      images.push(planes(image, channels, wanted));
      labels.push(label);
    }
  }
  const shape: ImageShape = [channels, ...wanted!];
  return new ImageDataset({ images: joinPixels(images), labels: Int32Array.from(labels), shape, classes });
}

async function classesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: Error) => {
    throw new DataError(`cannot read ${directory}: ${error.message}`);
  });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  if (names.length === 0) throw new DataError(`${directory} holds no folders: it takes one a class`);
  return names.sort();
}

async function imagesIn(directory: string): Promise<string[]> {
  const files = (await readdir(directory)).filter((file) => /\.(png|jpe?g)$/i.test(file));
  if (files.length === 0) throw new DataError(`${directory} holds no PNG or JPEG files`);
  return files.sort().map((file) => join(directory, file));
}

/** Channel after channel, bytes. */
function planes(
  image: DecodedImage,
  channels: 1 | 3,
  [height, width]: readonly [number, number],
): Uint8Array {
  const size = height * width;
  const bytes = new Uint8Array(channels * size);
  for (let channel = 0; channel < channels; channel++) {
    const plane = planeOf(image, channels, channel);
    const scaled =
      image.height === height && image.width === width ? plane : resize(plane, image, { width, height });
    for (let i = 0; i < size; i++) bytes[channel * size + i] = Math.round(scaled[i]!);
  }
  return bytes;
}

/** One channel, 0..255: grey images have the same in all. */
function planeOf(image: DecodedImage, channels: 1 | 3, channel: number): Float32Array {
  const { width, height, data, full } = image;
  const grey = image.channels < 3;
  const plane = new Float32Array(width * height);
  for (let i = 0; i < plane.length; i++) {
    const at = i * image.channels;
    const value = grey
      ? data[at]!
      : channels === 3
        ? data[at + channel]!
        : luma(data[at]!, data[at + 1]!, data[at + 2]!);
    plane[i] = (value / full) * 255;
  }
  return plane;
}
