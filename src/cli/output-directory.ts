import { randomUUID } from 'node:crypto';
import { mkdir, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { DataError } from '../errors.js';
import { failureReason, writeFileAtomic } from '../io/file.node.js';

/** A directory that was proved to be writable before the work began whose results it takes. */
export class OutputDirectory {
  readonly path: string;
  /** Names of the files written so far. */
  readonly written: string[] = [];
  /** The uppermost directory that did not exist before. */
  readonly #created: string | undefined;

  private constructor(path: string, created: string | undefined) {
    this.path = path;
    this.#created = created;
  }

  /**
   * Makes the directory where it is missing, and writes and removes an empty file in it.
   * @throws DataError with the reason when it cannot be made or written
   */
  static async open(path: string): Promise<OutputDirectory> {
    try {
      const directory = new OutputDirectory(path, await makeDirectory(path));
      const probe = join(path, `.twill.${process.pid}.${randomUUID()}.tmp`);
      try {
        await writeFile(probe, '', { flag: 'wx' });
        await rm(probe);
      } catch (error) {
        await directory.discard();
        throw error;
      }
      return directory;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const reason = code === 'EEXIST' ? 'a file of that name is in the way' : failureReason(error);
      throw new DataError(`cannot write into ${path}: ${reason}`, { cause: error });
    }
  }

  /** Where a file of this name lies. */
  file(name: string): string {
    return join(this.path, name);
  }

  /** Writes a file whole or not at all. */
  async write(name: string, content: Uint8Array | string): Promise<void> {
    await writeFileAtomic(this.file(name), content);
    this.written.push(name);
  }

  /** Removes the directories that `open` made, as far as they are empty: for work that failed before it began. */
  async discard(): Promise<void> {
    if (this.#created === undefined) return;
    const last = resolve(this.#created);
    for (let path = resolve(this.path); ; path = dirname(path)) {
      try {
        await rmdir(path);
      } catch {
        return; // Not empty, or gone: either way not ours to remove.
      }
      if (path === last) return;
    }
  }
}

/**
 * Makes a directory and those above it that are missing; returns the uppermost that it made. Node's own recursive
 * mkdir never returns where a file system answers ENOENT below a directory that exists, as /proc does.
 */
async function makeDirectory(path: string): Promise<string | undefined> {
  const missing: string[] = [];
  for (let above = resolve(path); ; above = dirname(above)) {
    const found = await stat(above).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    if (found !== undefined && !found.isDirectory()) {
      throw Object.assign(new Error(), { code: above === resolve(path) ? 'EEXIST' : 'ENOTDIR' });
    }
    if (found !== undefined) break;
    missing.unshift(above);
  }
  for (const one of missing) {
    // Another process may have been as quick.
    await mkdir(one).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
  return missing[0];
}
