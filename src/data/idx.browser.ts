import { checkOptions } from '../options.js';
import type { ImageDataset } from './dataset.js';
import { fetchBytes } from './fetch.browser.js';
import { MAX_IDX_BYTES } from './idx.js';
import { type IdxOptions, idxDataset, type NamedBytes } from './idx-dataset.js';

async function readNamed(file: string | URL | Blob): Promise<NamedBytes> {
  if (file instanceof Blob) {
    const name = file instanceof File ? file.name : 'a Blob';
    return { name, bytes: new Uint8Array(await file.arrayBuffer()) };
  }
  const base = globalThis.document?.baseURI ?? globalThis.location?.href;
  const url = new URL(file, base).href;
  return { name: url, bytes: await fetchBytes({ url, maxBytes: MAX_IDX_BYTES }) };
}

/**
 * Loads a pair of IDX files, each compressed by gzip or not, from addresses (relative to the page) or from files that
 * the user picked: images of two (N x features), three (N x H x W) or four (N x C x H x W) dimensions of any element
 * type, and as many whole-number labels. uint8 pixels stay bytes, all other types become float32.
 * @throws DataError when a file cannot be loaded; FormatError, naming the file, when its content is not what it should
 * be
 */
export async function loadIdx(
  imagesFile: string | URL | Blob,
  labelsFile: string | URL | Blob,
  options?: IdxOptions,
): Promise<ImageDataset> {
  const { classes } = checkOptions('loadIdx', options, ['classes']);
  const [images, labels] = await Promise.all([readNamed(imagesFile), readNamed(labelsFile)]);
  return idxDataset(images, labels, classes);
}
