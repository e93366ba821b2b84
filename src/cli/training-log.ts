import type { BackendInfo } from '../backend/backend.js';
import type { EpochRecord } from '../report/history.js';
import { count, duration, type Io, percent, say, styleFor } from './io.js';
import type { OutputDirectory } from './output-directory.js';
import { type BatchProgress, trainingProgress } from './progress.js';

/** What `twill train` says, and in which form. */
export interface TrainingLog {
  start(info: BackendInfo, train: number, test: number, source: string): void;
  batch(progress: BatchProgress): void;
  epoch(record: EpochRecord): void;
  interrupted(): void;
  /** Takes the progress bar away. */
  clear(): void;
  /** @param early whether training ended before its last epoch */
  end(out: OutputDirectory, early: boolean): void;
}

const INTERRUPTED = 'twill: interrupted, keeping what there is (once more to stop at once)';

/**
 * JSON lines with `json`; on a terminal lines for people and a progress bar; elsewhere one plain line of names and
 * values an epoch. Only epochs and JSON go to stdout, everything else to stderr.
 */
export function trainingLog(json: boolean, epochs: number, images: number, io: Io): TrainingLog {
  if (json) return jsonLog(io);
  const progress = trainingProgress(io, epochs, images);
  const people = io.stdout.isTTY === true;
  const style = styleFor(io.stderr, io.env);
  return {
    start(info, train, test, source) {
      const threads = `${info.threads} ${info.threads === 1 ? 'thread' : 'threads'}`;
      say(io.stderr, `${style.bold(`${info.backend} backend`)}, ${info.isa}, ${threads}`);
      say(io.stderr, `${count(train)} images to train on, ${count(test)} to test, from ${source}`);
    },
    batch: (batch) => progress.batch(batch),
    epoch(record) {
      progress.clear();
      progress.tested(record.evalSeconds);
      say(io.stdout, people ? epochForPeople(record, epochs, images, io) : epochLine(record));
    },
    interrupted() {
      progress.clear();
      say(io.stderr, INTERRUPTED);
    },
    clear: () => progress.clear(),
    end(out, early) {
      say(io.stderr, `${early ? 'ended early; wrote' : 'wrote'} ${out.written.join(', ')} into ${out.path}`);
    },
  };
}

function epochForPeople(record: EpochRecord, epochs: number, images: number, io: Io): string {
  const style = styleFor(io.stdout, io.env);
  const digits = String(epochs).length;
  return [
    style.bold(`epoch ${String(record.epoch).padStart(digits)}/${epochs}`),
    style.red(`cost ${record.cost.toFixed(3)}`),
    style.blue(`accuracy ${percent(record.accuracy)}`),
    `${duration(record.seconds)} ${style.dim(`(${count(images / record.seconds)} images/s)`)}`,
    style.dim(`test ${duration(record.evalSeconds)}`),
  ].join('   ');
}

function epochLine({ epoch, cost, accuracy, seconds, evalSeconds }: EpochRecord): string {
  const times = `seconds ${seconds.toFixed(3)} evalSeconds ${evalSeconds.toFixed(3)}`;
  return `epoch ${epoch} cost ${cost} accuracy ${accuracy} ${times}`;
}

function jsonLog(io: Io): TrainingLog {
  const line = (value: object) => say(io.stdout, JSON.stringify(value));
  return {
    start: (info, train, test, source) => line({ event: 'start', info, train, test, source }),
    batch() {},
    epoch: (record) => line({ event: 'epoch', ...record }),
    interrupted: () => say(io.stderr, INTERRUPTED),
    clear() {},
    end: (out, early) => line({ event: 'end', early, out: out.path, files: out.written }),
  };
}
