import { join } from 'node:path';
import { FormatError } from '../errors.js';
import { readBytes, writeFileAtomic } from '../io/file.node.js';
import { parseJson } from '../io/json.js';
import { RECIPES } from '../recipes/recipes.js';
import type { OutputDirectory } from './output-directory.js';
import type { TrainOptions } from './train.js';

const RUN = 'run.json';
const CHECKPOINT = 'checkpoint.safetensors';
/** Far above what options come to. */
const MAX_BYTES = 2 ** 20;

/** Options of `twill train` on which the bits of the training depend, and how often there is a checkpoint. */
const KEPT = [
  'recipe',
  'data',
  'epochs',
  'batchSize',
  'lr',
  'momentum',
  'seed',
  'shuffle',
  'limit',
  'checkpointEvery',
] as const;

type Kept = Pick<TrainOptions, (typeof KEPT)[number]>;

/** The options in the `run.json` of a directory. Throws `DataError` and `FormatError` where there are none. */
export async function readRun(directory: string): Promise<Kept> {
  const file = join(directory, RUN);
  const bytes = await readBytes(file, MAX_BYTES);
  const run = parseJson(new TextDecoder().decode(bytes), file) as Partial<Kept> | null;
  if (!RECIPES.some(({ name }) => name === run?.recipe)) {
    throw new FormatError(`${file} does not hold the options of a training`);
  }
  return run as Kept;
}

/** What `fit` is told of checkpoints. The options of the training are written down beside the first one. */
export function checkpointOptions(out: OutputDirectory, options: TrainOptions) {
  const { checkpointEvery: every, resume } = options;
  const kept = Object.fromEntries(KEPT.map((name) => [name, options[name]]));
  let known = false;
  const to = async (checkpoint: Uint8Array) => {
    if (!known) await writeFileAtomic(out.file(RUN), `${JSON.stringify(kept, null, 2)}\n`);
    known = true;
    await writeFileAtomic(out.file(CHECKPOINT), checkpoint);
  };
  return {
    checkpoint: every === undefined ? undefined : { to, every },
    resume: resume === undefined ? undefined : join(resume, CHECKPOINT),
  };
}
