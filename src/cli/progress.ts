import cliProgress from 'cli-progress';
import type { DownloadProgress } from '../data/index.node.js';
import { count, duration, type Io, styleFor } from './io.js';

/** What the bar is told after every batch. */
export interface BatchProgress {
  readonly epoch: number;
  readonly loss: number;
  /** Images of this epoch that were trained on so far. */
  readonly seen: number;
}

/** A line that shows how far training is, on a terminal; elsewhere nothing. */
export interface TrainingProgress {
  batch(progress: BatchProgress): void;
  /** Tells how long the last test took, for the estimate of the time left. */
  tested(seconds: number): void;
  /** Clears the line, so that something else can be written; the next batch brings it back. */
  clear(): void;
}

const SILENT: TrainingProgress = { batch() {}, tested() {}, clear() {} };

/** @param images images an epoch */
export function trainingProgress(io: Io, epochs: number, images: number): TrainingProgress {
  if (io.stderr.isTTY !== true) return SILENT;
  const style = styleFor(io.stderr, io.env);
  const wide = (io.stderr.columns ?? 80) >= 100;
  const bar = new cliProgress.SingleBar({
    stream: io.stderr as NodeJS.WritableStream,
    format: `${style.bold('epoch {epoch}')}  {bar}  {done}  {rate} images/s  {left}  loss {loss}`,
    formatBar: (progress) => {
      const cells = wide ? 32 : 12;
      const filled = Math.round(progress * cells);
      return style.blue('━'.repeat(filled)) + style.dim('─'.repeat(cells - filled));
    },
    fps: 8,
    hideCursor: true,
    clearOnComplete: true,
  });
  let shown = false;
  let pace: Pace | undefined;
  let testSeconds = 0;
  const timeLeft = (rate: number, inEpoch: number, epochsAfter: number) => {
    if (rate === 0) return 'ETA ...';
    const seconds = (inEpoch + epochsAfter * images) / rate + (1 + epochsAfter) * testSeconds;
    return `ETA ${seconds < 60 ? `${Math.ceil(seconds)} s` : duration(seconds)}`;
  };
  return {
    batch({ epoch, loss, seen }) {
      if (pace?.epoch !== epoch) pace = new Pace(epoch, seen, loss, pace);
      pace.update(seen, loss);
      const payload = {
        epoch: `${epoch}/${epochs}`,
        done: `${Math.floor((seen / images) * 100)} %`.padStart(5),
        rate: pace.rate > 0 ? count(pace.rate) : '...',
        left: seen === images ? 'testing' : timeLeft(pace.rate, images - seen, epochs - epoch),
        loss: pace.loss.toFixed(4),
      };
      if (!shown) bar.start(images, seen, payload);
      else bar.update(seen, payload);
      shown = true;
    },
    tested(seconds) {
      testSeconds = seconds;
    },
    clear() {
      if (shown) bar.stop();
      shown = false;
    },
  };
}

/** Images a second and the smoothed loss within one epoch. */
class Pace {
  readonly #start = performance.now();
  readonly #first: number;
  rate: number;

  /** The first batch of an epoch gives no rate yet: `before` lends its own. */
  constructor(
    readonly epoch: number,
    first: number,
    public loss: number,
    before?: Pace,
  ) {
    this.#first = first;
    this.rate = before?.rate ?? 0;
  }

  update(seen: number, loss: number): void {
    const seconds = (performance.now() - this.#start) / 1000;
    if (seconds > 0.2) this.rate = (seen - this.#first) / seconds;
    // Half of the weight lies on the last 14 batches: 0.95^14 = 0.49.
    this.loss = 0.95 * this.loss + 0.05 * loss;
  }
}

/** Shows how far a download is, on a terminal; elsewhere a line when a file begins. */
export function downloadDisplay(io: Io) {
  const style = styleFor(io.stderr, io.env);
  const live = io.stderr.isTTY === true;
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
  let shown = '';
  let next = 0;
  return {
    update({ file, loaded, total }: DownloadProgress): void {
      const changed = file !== shown;
      shown = file;
      if (!live) {
        if (changed) io.stderr.write(`downloading ${file}\n`);
      } else if (changed || performance.now() >= next) {
        next = performance.now() + 100;
        const of = total === undefined ? '' : ` of ${megabytes(total)}`;
        io.stderr.write(`\r\u001b[K${style.dim('downloading')} ${file}  ${megabytes(loaded)}${of} MB`);
      }
    },
    end(): void {
      if (live && shown !== '') io.stderr.write('\r\u001b[K');
    },
  };
}
