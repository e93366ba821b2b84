import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { setTimeout } from 'node:timers/promises';

/** Where figures were measured. */
export interface Machine {
  readonly cpu: string;
  /** Processors that this process may use. */
  readonly processors: number;
  readonly memoryGiB: number;
  readonly system: string;
  /** Processors that others kept busy for a second, before and after. */
  readonly load: { readonly before: number; after?: number };
}

export async function thisMachine(): Promise<Machine> {
  return {
    cpu: cpuName(),
    processors: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform}-${process.arch} ${release()}`,
    load: { before: await load() },
  };
}

/** Processors that are busy while this process does nothing for a second. Averages over a minute tell of what is over. */
export async function load(): Promise<number> {
  const [busy, all] = processorTime();
  await setTimeout(1000);
  const [busyThen, allThen] = processorTime();
  const share = (busyThen - busy) / Math.max(1, allThen - all);
  return Math.round(share * cpus().length * 100) / 100;
}

function processorTime(): [busy: number, all: number] {
  const times = cpus().map(({ times: { idle, ...busy } }) => ({
    idle,
    busy: Object.values(busy).reduce((sum, one) => sum + one, 0),
  }));
  const busy = times.reduce((sum, one) => sum + one.busy, 0);
  return [busy, times.reduce((sum, one) => sum + one.idle, busy)];
}

/** A warning where others keep the machine busy. */
export function busyWarning({ processors, load: { before } }: Machine): string | undefined {
  if (before < processors / 4) return undefined;
  return `This machine is busy (others use ${before} of ${processors} processors): do not quote these figures.`;
}

/** What the processor is called. Virtual machines may hide the model's name: then family and model say what it is. */
export function cpuName(): string {
  const name = cpus()[0]?.model.trim() || 'unknown CPU';
  if (/\d/.test(name)) return name;
  const field = (key: string) => new RegExp(`^${key}\\s*: (.*)$`, 'm').exec(cpuinfo())?.[1];
  const [family, model] = [field('cpu family'), field('model')];
  return family && model ? `${name} (family ${family}, model ${model})` : name;
}

function cpuinfo(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return '';
  }
}

/** `AMD EPYC (family 25, model 17)` -> `amd-epyc-family-25-model-17`. */
export function slug(name: string): string {
  return name
    .toLowerCase()
    .replace(/\((r|tm)\)|\bcpu\b|@.*/g, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}
