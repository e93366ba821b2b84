import { randomUUID } from 'node:crypto';
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DataError } from '../errors.js';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  ENOTDIR: 'a part of its path is not a directory',
  EISDIR: 'it is a directory',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'it would be larger than files may be here',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'its name is too long',
  ELOOP: 'too many symbolic links',
};

/** Far above any network of this class; a larger file is a mistake. */
export const MAX_MODEL_BYTES = 4 * 2 ** 30;

/** Why an operation on a file failed, in words. */
export function failureReason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException)?.code;
  if (code !== undefined && REASONS[code] !== undefined) return REASONS[code];
  return error instanceof Error ? error.message : String(error);
}

/**
 * Reads a whole file.
 * @param limit largest number of bytes that is accepted
 * @throws DataError when it cannot be read, is no regular file, or is larger than `limit`
 */
export async function readBytes(file: string | URL, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const path = file instanceof URL ? fileURLToPath(file) : file;
  try {
    // Opening a pipe would wait for its other end: look before.
    const found = await stat(path);
    if (found.isDirectory()) throw new DataError(`cannot read ${path}: it is a directory`);
    if (!found.isFile()) throw new DataError(`cannot read ${path}: it is no regular file`);
    if (found.size > limit) {
      throw new DataError(
        `cannot read ${path}: it has ${found.size} bytes, more than the ${limit} that are accepted`,
      );
    }
    const handle = await open(path, 'r');
    try {
      return await readAll(handle, found.size, path);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw new DataError(`cannot read ${path}: ${failureReason(error)}`, { cause: error });
  }
}

async function readAll(handle: FileHandle, size: number, path: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(size);
  let filled = 0;
  while (filled < size) {
    const { bytesRead } = await handle.read(bytes, filled, size - filled);
    if (bytesRead === 0)
      throw new DataError(`cannot read ${path}: it shrank from ${size} to ${filled} bytes meanwhile`);
    filled += bytesRead;
  }
  return bytes;
}

/**
 * Writes a file whole or not at all: into a temporary file in the same directory, flushed to the disk, then renamed.
 * Whoever reads `file` meanwhile, or after a crash, finds either the old content or the new. A symbolic link is
 * followed.
 * @throws DataError when it cannot be written; `file` is then what it was and nothing is left beside it
 */
export async function writeFileAtomic(file: string | URL, content: Uint8Array | string): Promise<void> {
  const path = file instanceof URL ? fileURLToPath(file) : file;
  let temporary: string | undefined;
  try {
    const target = await realpath(path).catch(() => path);
    const candidate = join(dirname(target), `.${basename(target)}.${process.pid}.${randomUUID()}.tmp`);
    const handle = await open(candidate, 'wx');
    temporary = candidate;
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(candidate, target);
    temporary = undefined;
    await syncDirectory(dirname(target));
  } catch (error) {
    if (temporary !== undefined) await rm(temporary, { force: true }).catch(() => {});
    throw new DataError(`cannot write ${path}: ${failureReason(error)}`, { cause: error });
  }
}

/** Makes a rename last through a power failure, where the system lets a directory be flushed (Windows does not). */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r').catch(() => undefined);
  if (handle === undefined) return;
  try {
    await handle.sync().catch(() => {});
  } finally {
    await handle.close();
  }
}
