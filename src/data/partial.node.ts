import { randomUUID } from 'node:crypto';
import { readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Partial downloads lie beside their destination. `name.part` is nobody's; `name.<pid>.<id>.part` is being written by
 * that process. Taking one over is a rename, which only one process can win, so two downloads of the same file never
 * write into one.
 */
const OWNED = /^\.(\d+)\.[0-9a-f-]+\.part$/;

/** A path of our own to write to, holding what an earlier download left, if one did. */
export async function claimPartial(file: string): Promise<string> {
  const own = `${file}.${process.pid}.${randomUUID()}.part`;
  let claimed = false;
  for (const left of await leftovers(file)) {
    if (claimed) {
      await rm(left, { force: true });
    } else {
      claimed = await rename(left, own).then(
        () => true,
        () => false,
      );
    }
  }
  return own;
}

/** Leaves what came for the next attempt. */
export async function releasePartial(partial: string, file: string): Promise<void> {
  await rename(partial, `${file}.part`).catch(() => {});
}

async function leftovers(file: string): Promise<string[]> {
  const name = basename(file);
  const found: string[] = [];
  for (const entry of await readdir(dirname(file))) {
    if (!entry.startsWith(name)) continue;
    const rest = entry.slice(name.length);
    const owner = OWNED.exec(rest);
    if (rest === '.part' || (owner !== null && !isAlive(Number(owner[1]))))
      found.push(join(dirname(file), entry));
  }
  return found;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
