import { FormatError, NumericError } from '../errors.js';
import { parseJson } from '../io/json.js';
import { stored } from '../io/model.js';
import { parseSafetensors, serialiseSafetensors, toFloat32 } from '../io/safetensors.js';
import type { StateDict } from '../nn/module.js';
import { show } from '../options.js';
import type { GeneratorState } from '../random.js';
import { fieldsOf, isCount, isStateOrAbsent, parseRates } from './checkpoint-record.js';

/** What a trainer goes on from, beside tensors. */
export interface TrainerRecord {
  readonly steps: number;
  /** The optimizer's class. */
  readonly optimizer: string;
  /** Of the optimizer and its groups, undefined where a group has none of its own. */
  readonly lrs: readonly (number | undefined)[];
  readonly momenta: readonly (number | undefined)[];
  /** Where dropout draws from; missing in files of versions without it. */
  readonly random?: GeneratorState;
}

/** A trainer at rest. */
export interface Snapshot {
  readonly model: StateDict;
  /** By `state.path`. */
  readonly optimizer: StateDict;
  readonly trainer: TrainerRecord;
}

/** What a training adds, as JSON has it, and the weights of its best epoch. */
export interface TrainingSnapshot<Fit> extends Snapshot {
  readonly best: StateDict;
  readonly fit: Fit | undefined;
}

const FORMAT = 1;
const KEY = 'twill.checkpoint';
const PARTS = ['model', 'optimizer', 'best'] as const;

/**
 * A safetensors file whose tensors are named `model.conv1.weight`, `optimizer.exp_avg.conv1.weight`,
 * `best.conv1.weight`, and whose metadata hold the rest as JSON. Throws `NumericError` where a number is not finite:
 * what has diverged never takes the place of what has not.
 */
export function encodeCheckpoint<Fit>(
  snapshot: Snapshot & Partial<TrainingSnapshot<Fit>>,
): Uint8Array<ArrayBuffer> {
  const tensors = PARTS.flatMap((part) =>
    [...(snapshot[part] ?? [])].map(([path, tensor]) => {
      const wrong = tensor.data.find((value) => !Number.isFinite(value));
      if (wrong !== undefined) {
        throw new NumericError(`[checkpoint] ${part}.${path} holds ${wrong}: the training has diverged`);
      }
      return [`${part}.${path}`, stored(tensor)] as const;
    }),
  );
  const { trainer, fit } = snapshot;
  return serialiseSafetensors(tensors, [[KEY, JSON.stringify({ format: FORMAT, trainer, fit })]]);
}

/** Throws `FormatError`, naming the file, for what is no checkpoint. */
export function decodeCheckpoint<Fit>(bytes: Uint8Array, name = 'the checkpoint'): TrainingSnapshot<Fit> {
  const { tensors, metadata } = parseSafetensors(bytes, name);
  const part = (which: (typeof PARTS)[number]): StateDict =>
    new Map(
      [...tensors]
        .filter(([key]) => key.startsWith(`${which}.`))
        .map(([key, tensor]) => [
          key.slice(which.length + 1),
          { shape: tensor.shape, data: toFloat32(tensor) },
        ]),
    );
  const { trainer, fit } = record(metadata.get(KEY), name);
  return {
    model: part('model'),
    optimizer: part('optimizer'),
    best: part('best'),
    trainer,
    fit: fit as Fit | undefined,
  };
}

function record(text: string | undefined, name: string): { trainer: TrainerRecord; fit?: unknown } {
  if (text === undefined) throw new FormatError(`${name} is no checkpoint: its metadata have no ${KEY}`);
  const { format, trainer, fit } = fieldsOf(parseJson(text, `${name} is no checkpoint: its ${KEY}`));
  if (format !== FORMAT) {
    throw new FormatError(
      `${name} is a checkpoint of format ${show(format)} but this version reads ${FORMAT}`,
    );
  }
  const { steps, optimizer, random } = fieldsOf(trainer);
  const rates = parseRates(trainer);
  if (!isCount(steps) || typeof optimizer !== 'string' || !rates || !isStateOrAbsent(random)) {
    throw new FormatError(`${name} is no checkpoint: its ${KEY} does not say what trained`);
  }
  return { trainer: { steps, optimizer, ...rates, random }, fit };
}
