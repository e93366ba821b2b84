import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { OptionError } from '../errors.js';

/**
 * Threads to compute with when nobody says otherwise: `OMP_NUM_THREADS`, else the processors that this process may
 * run on, else fewer where a cgroup's quota allows less time than they have (a quarter of a processor counts as one).
 */
export function defaultThreads(): number {
  const variable = process.env.OMP_NUM_THREADS;
  if (variable) {
    // OpenMP allows a list, one number a level of nesting; ours is the first.
    const threads = Number(variable.split(',')[0]);
    if (Number.isInteger(threads) && threads >= 1 && threads <= 1024) return threads;
    throw new OptionError(
      `OMP_NUM_THREADS must be a whole number from 1 to 1024 but is ${JSON.stringify(variable)}`,
    );
  }
  return Math.max(1, Math.min(availableParallelism(), Math.ceil(cgroupQuota('/'))));
}

/** Processors that the cgroups of this process allow, a fraction possibly; Infinity where there is no limit. */
export function cgroupQuota(root: string): number {
  const lines = (readText(join(root, 'proc/self/cgroup')) ?? '').split('\n');
  let quota = Number.POSITIVE_INFINITY;
  for (const line of lines) {
    // "0::/path" is version 2; "4:cpu,cpuacct:/path" is version 1
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (path === undefined) continue;
    const isV2 = controllers === '';
    if (!isV2 && !controllers!.split(',').includes('cpu')) continue;
    const mount = join(root, 'sys/fs/cgroup', isV2 ? '' : 'cpu');
    for (const group of ancestors(path)) {
      quota = Math.min(quota, isV2 ? quotaV2(join(mount, group)) : quotaV1(join(mount, group)));
    }
  }
  return quota;
}

/** `/a/b` and every group that contains it: a limit of any of them binds. */
function ancestors(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '');
  return parts.map((_, i) => parts.slice(0, i + 1).join('/')).concat('');
}

function quotaV2(group: string): number {
  const [quota, period] = (readText(join(group, 'cpu.max')) ?? 'max').trim().split(' ');
  return quota === 'max' ? Number.POSITIVE_INFINITY : ratio(quota, period);
}

function quotaV1(group: string): number {
  return ratio(readText(join(group, 'cpu.cfs_quota_us')), readText(join(group, 'cpu.cfs_period_us')));
}

function ratio(quota: string | undefined, period: string | undefined): number {
  const processors = Number(quota) / Number(period);
  return processors > 0 ? processors : Number.POSITIVE_INFINITY;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // no such controller here
  }
}
