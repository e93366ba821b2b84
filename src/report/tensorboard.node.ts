import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DataError, OptionError } from '../errors.js';
import { failureReason } from '../io/file.node.js';
import { nonNegativeInteger, show, text } from '../options.js';
import { scalarRecord, versionRecord } from './event-file.js';

/** How many writers this process made: two in a second must not share a file. */
let made = 0;

/**
 * Writes scalars for TensorBoard: `tensorboard --logdir DIR` shows them while they come.
 *
 *     await using writer = await TensorBoardWriter.open('runs/first');
 *     await writer.scalars(epoch, { 'loss/train': loss, 'accuracy/validation': accuracy });
 */
export class TensorBoardWriter {
  /** The event file. */
  readonly file: string;
  readonly #handle: FileHandle;
  #tail: Promise<unknown> = Promise.resolve();

  private constructor(file: string, handle: FileHandle) {
    this.file = file;
    this.#handle = handle;
  }

  /**
   * Makes the directory where it is missing and a new event file in it.
   * @throws DataError with the reason when that cannot be done
   */
  static async open(directory: string): Promise<TensorBoardWriter> {
    text('TensorBoardWriter', 'directory', directory);
    const now = Date.now() / 1000;
    // TensorBoard reads what has "tfevents" in its name, in the order of the names.
    const name = `events.out.tfevents.${Math.floor(now)}.${hostname()}.${process.pid}.${made++}`;
    const file = join(directory, name);
    try {
      await mkdir(directory, { recursive: true });
      const handle = await open(file, 'ax');
      const writer = new TensorBoardWriter(file, handle);
      await writer.#append(versionRecord(now));
      return writer;
    } catch (error) {
      throw new DataError(`cannot write into ${directory}: ${failureReason(error)}`, { cause: error });
    }
  }

  /**
   * Adds scalars at a step (an epoch, a batch); a NaN is kept, TensorBoard leaves a gap there. Calls may overlap: they
   * are written in their order.
   * @throws OptionError for a step or values that are no numbers, DataError where the file cannot be written
   */
  async scalars(step: number, scalars: Readonly<Record<string, number>>): Promise<void> {
    nonNegativeInteger('TensorBoardWriter', 'step', step);
    for (const [tag, value] of Object.entries(scalars)) {
      if (tag === '' || typeof value !== 'number') {
        throw new OptionError(`[TensorBoardWriter] ${show(tag)} must be a number but is ${show(value)}`);
      }
    }
    await this.#append(scalarRecord({ wallTime: Date.now() / 1000, step, scalars }));
  }

  /** Writes what is left and closes the file. */
  async close(): Promise<void> {
    await this.#tail;
    await this.#handle.close();
  }

  /** `await using writer = ...` closes it at the end of the block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #append(bytes: Uint8Array): Promise<void> {
    const turn = this.#tail.then(() => this.#handle.appendFile(bytes));
    this.#tail = turn.catch(() => {});
    return turn.catch((error: unknown) => {
      throw new DataError(`cannot write ${this.file}: ${failureReason(error)}`, { cause: error });
    });
  }
}
