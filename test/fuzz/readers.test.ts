import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Generator, TwillError } from '../../src/index.node.js';
import { Coverage } from './coverage.js';
import { mutate } from './mutate.js';
import { type Reader, READERS } from './readers.js';

// Whatever a file holds, whoever reads it gives a result or throws an error of Twill's, soon, and without taking more
// memory than a file of that size can be worth.

/** Changed files that each reader is given: some hundreds in `npm test`, or as many as there is time for. */
const RUNS = Number(process.env.TWILL_TEST_RUNS ?? 300);
const SECONDS = Number(process.env.TWILL_FUZZ_SECONDS ?? 0);
const SEED = Number(process.env.TWILL_TEST_SEED ?? (SECONDS > 0 ? Date.now() % 2 ** 32 : 1));

const MOST_SECONDS = 5;
/** Deflate packs 1032 bytes into one, and a byte of a JPEG may be 512 pixels of three channels, twice over. */
const MOST_BYTES = (size: number) => 2 ** 24 + 16384 * size;
/** Files that are kept because they reached code that none before did. */
const MOST_KEPT = 2000;

/** Reads `bytes`; throws an error that tells what is wrong with how that went. */
async function check({ read }: Reader, bytes: Uint8Array): Promise<void> {
  const held = process.memoryUsage().arrayBuffers;
  const started = performance.now();
  let taken = 0;
  try {
    const result = read(bytes);
    taken = process.memoryUsage().arrayBuffers - held;
    await result;
  } catch (error) {
    taken = Math.max(taken, process.memoryUsage().arrayBuffers - held);
    if (!(error instanceof TwillError)) throw error;
    if (error.message === '' || /\n/.test(error.message))
      throw new Error('its message is no sentence', { cause: error });
  }
  const seconds = (performance.now() - started) / 1000;
  if (seconds > MOST_SECONDS) throw new Error(`it took ${seconds} seconds`);
  if (taken > MOST_BYTES(bytes.length)) throw new Error(`it took ${taken} bytes for ${bytes.length}`);
  if (Object.keys(Object.prototype).length > 0) throw new Error('it has changed what all objects share');
}

/** The seeds, then changes of them; returns how many files were read. */
async function fuzz(reader: Reader): Promise<number> {
  const { name, seeds, wrap = (bytes: Uint8Array) => bytes } = reader;
  const coverage = SECONDS > 0 ? await Coverage.start() : undefined;
  const kept = [...seeds];
  const end = performance.now() + SECONDS * 1000;
  let run = 0;
  try {
    for (; SECONDS > 0 ? performance.now() < end : run < RUNS; run++) {
      const generator = new Generator(SEED, run);
      const inner = mutate(kept[generator.integer(kept.length)]!, generator, kept);
      const bytes = wrap(inner);
      try {
        await check(reader, bytes);
      } catch (error) {
        const file = keep(name, bytes);
        const message = `${name}, seed ${SEED}, run ${run}, ${file}: ${(error as Error).stack}`;
        throw new Error(message, { cause: error });
      }
      if (coverage && (await coverage.hasGrown()) && kept.length < MOST_KEPT) kept.push(inner);
    }
  } finally {
    await coverage?.stop();
  }
  if (SECONDS > 0) console.log(`${name}: ${run} files, ${kept.length - seeds.length} kept, seed ${SEED}`);
  return run;
}

/** What broke a reader, for whoever mends it. */
function keep(name: string, bytes: Uint8Array): string {
  const folder = new URL('../../build/fuzz/found/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  const file = fileURLToPath(new URL(name.replaceAll(/\W+/g, '-'), folder));
  writeFileSync(file, bytes);
  return file;
}

describe(
  'whatever a file holds, it is read or refused by name:',
  { timeout: 120_000 + 100 * RUNS + 2000 * SECONDS },
  () => {
    it.each(READERS)('$name', async (reader) => {
      for (const seed of reader.seeds) await check(reader, reader.wrap?.(seed) ?? seed);
      expect(await fuzz(reader)).toBeGreaterThan(0);
    });
  },
);
