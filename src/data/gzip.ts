import { FormatError } from '../errors.js';
import { turns } from './turns.js';

/** True when `bytes` begin as a gzip file does. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * Inflates a gzip file whose content begins with a header that tells the content's length, and never produces more
 * than that: a few bytes that inflate to gigabytes cost nothing but an error.
 * @param bytes the gzip file
 * @param measure total length of the content once `head`, all that has come so far, suffices to tell; else undefined
 * @param name of the file, for errors
 * @throws FormatError when the data are damaged, or hold more or fewer bytes than promised
 */
export async function inflate(
  bytes: Uint8Array,
  measure: (head: Uint8Array) => number | undefined,
  name: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = pieces(bytes).pipeThrough(new DecompressionStream('gzip')).getReader();
  let head = new Uint8Array(0);
  let content: Uint8Array<ArrayBuffer> | undefined;
  let filled = 0;
  const rest = turns();
  try {
    while (true) {
      const { done, value } = await nextChunk(reader, name);
      if (done) break;
      await rest();
      if (content !== undefined) {
        filled = append(content, filled, value, name);
        continue;
      }
      head = concat(head, value);
      const promised = measure(head);
      if (promised === undefined) continue;
      // Deflate packs at most 1032 bytes into one, so a longer promise is a lie: say so before allocating for it.
      if (promised > (bytes.length + 1) * 1032) {
        throw new FormatError(
          `[gzip] ${name}: its header promises ${promised} bytes, more than ${bytes.length} compressed bytes can hold`,
        );
      }
      content = new Uint8Array(promised);
      filled = append(content, 0, head, name);
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
  if (content === undefined) return head;
  if (filled < content.length) {
    throw new FormatError(
      `[gzip] ${name}: truncated, it inflates to ${filled} of the promised ${content.length} bytes`,
    );
  }
  return content;
}

/** A browser inflates a piece in one go, on the thread that reads: these take it some milliseconds. */
const PIECE = 2 ** 16;

function pieces(bytes: Uint8Array): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + PIECE));
      at += PIECE;
    },
  });
}

async function nextChunk(reader: ReadableStreamDefaultReader<Uint8Array>, name: string) {
  try {
    return await reader.read();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new FormatError(`[gzip] ${name}: truncated or damaged gzip data (${reason})`, { cause: error });
  }
}

function append(content: Uint8Array, filled: number, chunk: Uint8Array, name: string): number {
  if (filled + chunk.length > content.length) {
    throw new FormatError(
      `[gzip] ${name}: inflates to more than the ${content.length} bytes that its header promises`,
    );
  }
  content.set(chunk, filled);
  return filled + chunk.length;
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
