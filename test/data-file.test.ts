import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DataError } from '../src/errors.js';
import { readBytes, writeFileAtomic } from '../src/io/file.node.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'twill-file-'));
});
afterEach(() => rm(directory, { recursive: true }));

describe('writeFileAtomic', () => {
  it('writes and replaces a file, and leaves nothing else', async () => {
    const path = join(directory, 'model.safetensors');
    await writeFileAtomic(path, Uint8Array.of(1, 2, 3));
    await writeFileAtomic(pathToFileURL(path), 'text');
    expect(await readFile(path, 'utf8')).toBe('text');
    expect(await readdir(directory)).toEqual(['model.safetensors']);
  });

  it('writes where a symbolic link points', async () => {
    await mkdir(join(directory, 'runs'));
    const [target, link] = [join(directory, 'runs', 'a'), join(directory, 'latest')];
    await writeFile(target, 'old');
    await symlink(target, link);
    await writeFileAtomic(link, 'new');
    expect(await readFile(target, 'utf8')).toBe('new');
    expect((await lstat(link)).isSymbolicLink()).toBe(true);
  });

  it('always shows a reader the whole old or the whole new content', async () => {
    const path = join(directory, 'file');
    const contents = [new Uint8Array(300_000).fill(1), new Uint8Array(500_000).fill(2)];
    await writeFileAtomic(path, contents[0]!);
    let writing = true;
    const reader = (async () => {
      while (writing) {
        const seen = await readFile(path);
        if (seen.length !== (seen[0] === 1 ? 300_000 : 500_000) || seen.at(-1) !== seen[0]) return seen;
      }
      return undefined;
    })();
    for (let i = 0; i < 10; i++) await writeFileAtomic(path, contents[i % 2]!);
    writing = false;
    expect(await reader).toBeUndefined();
  });

  it('keeps the old file and cleans up when it fails, and says why', async () => {
    const path = join(directory, 'file');
    await writeFile(path, 'old');
    await expect(writeFileAtomic(path, 7 as never)).rejects.toThrow(DataError);
    expect(await readFile(path, 'utf8')).toBe('old');

    await mkdir(join(directory, 'taken', 'inside'), { recursive: true });
    const taken = join(directory, 'taken');
    await expect(writeFileAtomic(taken, 'x')).rejects.toThrow(`cannot write ${taken}: it is a directory`);
    const missing = join(directory, 'no', 'such', 'file');
    await expect(writeFileAtomic(missing, 'x')).rejects.toThrow(
      `cannot write ${missing}: no such file or directory`,
    );
    await expect(writeFileAtomic(join(path, 'x'), 'x')).rejects.toThrow(
      'a part of its path is not a directory',
    );
    expect((await readdir(directory)).toSorted()).toEqual(['file', 'taken']);
  });
});

describe('readBytes', () => {
  it('reads a file up to its limit', async () => {
    const path = join(directory, 'file');
    await writeFile(path, Uint8Array.of(1, 2, 3));
    expect(await readBytes(path, 3)).toEqual(Uint8Array.of(1, 2, 3));
    expect(await readBytes(pathToFileURL(path), 10)).toHaveLength(3);
    await expect(readBytes(path, 2)).rejects.toThrow(
      `cannot read ${path}: it has 3 bytes, more than the 2 that are accepted`,
    );
  });

  it('refuses what is no file', async () => {
    await expect(readBytes(join(directory, 'none'), 9)).rejects.toThrow(DataError);
    await expect(readBytes(join(directory, 'none'), 9)).rejects.toThrow('no such file or directory');
    await expect(readBytes(directory, 9)).rejects.toThrow('it is a directory');
    if (process.platform !== 'win32')
      await expect(readBytes('/dev/zero', 9)).rejects.toThrow('it is no regular file');
  });
});
