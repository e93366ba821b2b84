import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';

/** Where figures were measured. */
export interface Machine {
  readonly cpu: string;
  /** Processors that this process may use. */
  readonly processors: number;
  readonly memoryGiB: number;
  readonly system: string;
  /** Processes that ran or waited to run, on average over the last minute, before and after. */
  readonly load: { readonly before: number; after?: number };
}

export function thisMachine(): Machine {
  return {
    cpu: cpuName(),
    processors: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform}-${process.arch} ${release()}`,
    load: { before: load() },
  };
}

/** One-minute load average. */
export function load(): number {
  return Math.round(loadavg()[0]! * 100) / 100;
}

/** A warning where others keep the machine busy; a run of the bench itself shows in the load only afterwards. */
export function busyWarning({ processors, load: { before } }: Machine): string | undefined {
  if (before < processors / 2) return undefined;
  return `This machine is busy (load average ${before} on ${processors} processors): do not quote these figures.`;
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
