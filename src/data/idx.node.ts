import { fileURLToPath } from 'node:url';
import { readBytes } from '../io/file.node.js';
import { checkOptions } from '../options.js';
import type { ImageDataset } from './dataset.js';
import { MAX_IDX_BYTES } from './idx.js';
import { type IdxOptions, idxDataset, type NamedBytes } from './idx-dataset.js';

/** A file's bytes under the name by which errors call it. */
export async function readNamed(file: string | URL): Promise<NamedBytes> {
  const name = file instanceof URL ? fileURLToPath(file) : file;
  return { name, bytes: await readBytes(file, MAX_IDX_BYTES) };
}

/**
 * Loads a pair of IDX files, each compressed by gzip or not: images of two (N x features), three (N x H x W) or four
 * (N x C x H x W) dimensions of any element type, and as many whole-number labels. uint8 pixels stay bytes, all other
 * types become float32.
 * @throws DataError when a file cannot be read; FormatError, naming the file, when its content is not what it should be
 */
export async function loadIdx(
  imagesFile: string | URL,
  labelsFile: string | URL,
  options?: IdxOptions,
): Promise<ImageDataset> {
  const { classes } = checkOptions('loadIdx', options, ['classes']);
  const [images, labels] = await Promise.all([readNamed(imagesFile), readNamed(labelsFile)]);
  return idxDataset(images, labels, classes);
}
