import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** The peer's side of the protocol (../lib/peer.ts), for peers that run in Node. */

export type Options = Readonly<Record<string, string>>;

/** A task made ready: `check` as in twill/bench's Prepared. */
export interface Work {
  run(): unknown;
  readonly check?: number;
}

/**
 * Answers requests until the bench closes its end. `prepare` gives undefined for what the peer cannot do; `others` are
 * the commands that it knows besides.
 */
export async function serve(
  name: string,
  detail: string,
  prepare: (options: Options) => Promise<Work | undefined>,
  others: Readonly<Record<string, (options: Options) => Promise<object>>> = {},
): Promise<void> {
  let work: Work | undefined;
  const answer = async (command: string, options: Options): Promise<object> => {
    if (others[command]) return others[command](options);
    if (command === 'sample') return { seconds: await sample(work!, Number(options.seconds)) };
    work = command === 'prepare' ? await prepare(options) : undefined;
    if (command === 'prepare' && !work) return { unsupported: true };
    return { ok: true, check: work?.check };
  };
  say({ name, detail });
  for await (const line of createInterface({ input: process.stdin })) {
    const [command, ...pairs] = line.split(' ');
    try {
      say(await answer(command!, Object.fromEntries(pairs.map((pair) => pair.split('=')))));
    } catch (error) {
      say({ error: String(error) });
    }
  }
  process.exit(0); // whatever threads the peer has left
}

function say(reply: object): void {
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}

async function sample(work: Work, seconds: number): Promise<number[]> {
  const taken: number[] = [];
  const end = performance.now() + 1000 * seconds;
  do {
    const start = performance.now();
    await work.run();
    taken.push((performance.now() - start) / 1000);
  } while (performance.now() < end);
  return taken;
}

/** Floats that the bench wrote into its folder. */
export function floats(folder: string, name: string): Float32Array<ArrayBuffer> {
  return new Float32Array(new Uint8Array(readFileSync(join(folder, `${name}.f32`))).buffer);
}

/** More images than a slow peer gets through. */
const IMAGES = 6000;

/** Images as floats from 0 to 1, one batch after another, from the start again at the end. */
export function* batches(folder: string, split: 'train' | 'test', size: number) {
  const pixels = readFileSync(join(folder, `${split}.images.u8`)).subarray(0, IMAGES * 784);
  const labels = readFileSync(join(folder, `${split}.labels.u8`)).subarray(0, IMAGES);
  const images = Float32Array.from(pixels, (pixel) => pixel / 255);
  for (let start = 0; ; start = start + 2 * size <= labels.length ? start + size : 0) {
    const batch = images.slice(start * 784, (start + size) * 784);
    yield { images: batch, labels: labels.subarray(start, start + size) };
  }
}
