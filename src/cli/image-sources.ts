import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../errors.js';
import { readBytes } from '../io/file.node.js';

/** An image file's bytes, and what to call it. */
export interface ImageSource {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Stands for what comes in on stdin. */
export const STDIN = '-';

/** Files beyond 256 MB are no pictures of clothes. */
const MOST_BYTES = 2 ** 28;

/**
 * Reads the files at `paths` one after another: of a folder the PNG and JPEG files in it, in the order of their names,
 * for `-` one from `stdin`. Throws `DataError` for what cannot be read, and for a folder without images.
 */
export async function* imageSources(
  paths: readonly string[],
  stdin: AsyncIterable<Uint8Array>,
): AsyncGenerator<ImageSource> {
  for (const path of paths) {
    if (path === STDIN) yield { name: 'stdin', bytes: await readStream(stdin) };
    else if (await isFolder(path)) yield* imagesIn(path);
    else yield { name: path, bytes: await readBytes(path, MOST_BYTES) };
  }
}

async function isFolder(path: string): Promise<boolean> {
  // What is not there is named by whoever reads it.
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function* imagesIn(folder: string): AsyncGenerator<ImageSource> {
  const files = (await readdir(folder)).filter((file) => /\.(png|jpe?g)$/i.test(file)).sort();
  if (files.length === 0) throw new DataError(`${folder} holds no PNG or JPEG files`);
  for (const file of files) {
    const name = join(folder, file);
    yield { name, bytes: await readBytes(name, MOST_BYTES) };
  }
}

async function readStream(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of stream) {
    parts.push(part);
    size += part.length;
    if (size > MOST_BYTES) throw new DataError(`stdin gave more than ${MOST_BYTES} bytes for one image`);
  }
  return Buffer.concat(parts);
}
