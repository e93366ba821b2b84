import { FormatError } from '../errors.js';
import { parseJson } from '../io/json.js';

/** One finished epoch. */
export interface EpochRecord {
  /** From 1. */
  readonly epoch: number;
  /** Loss summed over the epoch's batches, each batch's loss being a mean over its images. */
  readonly cost: number;
  /** Fraction of the validation images classified correctly, 0..1; NaN where there was no validation. */
  readonly accuracy: number;
  /** Seconds of training alone. */
  readonly seconds: number;
  /** Seconds of validation. */
  readonly evalSeconds: number;
  /** Learning rate of the last step, where the file tells. */
  readonly lr?: number;
  /** Fraction of the training images classified correctly as they were learnt, where the file tells. */
  readonly trainAccuracy?: number;
  /** Mean loss over the validation images, where the file tells. */
  readonly validationLoss?: number;
}

/** The backend's `info()`, as far as a report shows it. */
export interface RunInfo {
  /** `native` or `wasm`. */
  readonly backend: string;
  /** Instruction set: `avx512`, `simd128`, ... */
  readonly isa: string;
  /** Threads that computed. */
  readonly threads: number;
  /** A sentence for each better choice that could not be had. */
  readonly fallbacks: readonly string[];
}

/** What `history.json` holds and what the plots are drawn from. */
export interface History {
  /** What the run was computed with. */
  readonly info: RunInfo;
  /** In their order. */
  readonly epochs: readonly EpochRecord[];
  /** What the training was told, and about its data: `recipe`, `seed`, `images`, ... */
  readonly run?: RunSettings | undefined;
}

/** Names and values of a run's settings. */
export type RunSettings = Readonly<Record<string, string | number | boolean>>;

/** The text of `history.json`: two spaces of indentation, a final newline; NaN becomes null. */
export function formatHistory(history: History): string {
  const { info, run, epochs } = history;
  return `${JSON.stringify({ info, run, epochs }, null, 2)}\n`;
}

/**
 * Reads the text of a `history.json`.
 * @param name the file's name, for the message
 * @throws FormatError when it is not JSON or an epoch lacks a number
 */
export function parseHistory(text: string, name = 'history.json'): History {
  const value = parseJson(text, name);
  const { info, run, epochs } = (value ?? {}) as { info?: Partial<RunInfo>; run?: unknown; epochs?: unknown };
  if (typeof info !== 'object' || info === null || !Array.isArray(epochs)) {
    throw new FormatError(`${name} is not a history: it needs an object "info" and an array "epochs"`);
  }
  return {
    info: {
      backend: String(info.backend ?? 'unknown'),
      isa: String(info.isa ?? 'unknown'),
      threads: Number(info.threads ?? 1),
      fallbacks: Array.isArray(info.fallbacks) ? info.fallbacks.map(String) : [],
    },
    epochs: epochs.map((epoch, index) => parseEpoch(epoch, `epoch ${index} of ${name}`)),
    ...parseSettings(run),
  };
}

/** Settings are shown and nothing more: what is no plain value is left out. */
function parseSettings(run: unknown): Pick<History, 'run'> {
  if (typeof run !== 'object' || run === null) return {};
  const plain = Object.entries(run).filter(([, one]) => ['string', 'number', 'boolean'].includes(typeof one));
  return { run: Object.fromEntries(plain) };
}

function parseEpoch(value: unknown, where: string): EpochRecord {
  const fields = (value ?? {}) as Record<string, unknown>;
  const read = (key: keyof EpochRecord): number => {
    const field = fields[key];
    if (field === null) return Number.NaN;
    if (typeof field !== 'number') throw new FormatError(`${where} has no number "${key}"`);
    return field;
  };
  const known = (['lr', 'trainAccuracy', 'validationLoss'] as const).filter(
    (key) => fields[key] !== undefined,
  );
  return {
    ...Object.fromEntries(known.map((key) => [key, read(key)])),
    epoch: read('epoch'),
    cost: read('cost'),
    accuracy: read('accuracy'),
    seconds: read('seconds'),
    evalSeconds: read('evalSeconds'),
  };
}
