import type { Generator } from '../../src/index.node.js';

// Changes to a file's bytes: those that a damaged disk makes, and those that somebody makes who wants to do harm.

/** Sizes and offsets at which arithmetic or memory breaks. */
const NUMBERS = [
  0n,
  1n,
  2n,
  127n,
  128n,
  255n,
  256n,
  0x7fffn,
  0x8000n,
  0xffffn,
  0x10000n,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
];

/** What a reader of text or JSON may trip over. */
const TOKENS = [
  'null',
  'true',
  '[]',
  '{}',
  '""',
  '0',
  '-1',
  '1.5',
  '1e999',
  '-0',
  '4294967296',
  '9007199254740993',
  '1e15',
  '"__proto__"',
  '"constructor"',
  '{"__proto__":{"polluted":1}}',
  '"../../../../tmp/x"',
  '"F64"',
  '[1]',
  '[[[[[]]]]]',
].map((text) => new TextEncoder().encode(text));

type Change = (bytes: Uint8Array, generator: Generator, others: readonly Uint8Array[]) => Uint8Array;

/** A place in `bytes`: the first of a file, where its header is, as often as the rest. */
function place(bytes: Uint8Array, generator: Generator): number {
  const near = generator.integer(2) === 0 ? Math.min(bytes.length, 64) : bytes.length;
  return near === 0 ? 0 : generator.integer(near);
}

const piece = (bytes: Uint8Array, generator: Generator, most = 64): [number, number] => {
  const start = place(bytes, generator);
  return [start, Math.min(bytes.length, start + 1 + generator.integer(most))];
};

function spliced(bytes: Uint8Array, start: number, end: number, insert: Uint8Array): Uint8Array {
  const result = new Uint8Array(bytes.length - (end - start) + insert.length);
  result.set(bytes.subarray(0, start));
  result.set(insert, start);
  result.set(bytes.subarray(end), start + insert.length);
  return result;
}

function numberBytes(generator: Generator): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  const little = generator.integer(2) === 0;
  view.setBigUint64(0, NUMBERS[generator.integer(NUMBERS.length)]!, little);
  const size = [1, 2, 4, 8][generator.integer(4)]!;
  return new Uint8Array(view.buffer, little ? 0 : 8 - size, size);
}

/** Literals and numbers of a text in ASCII: `"shape"`, `3`, `null`. */
function literal(bytes: Uint8Array, generator: Generator): [number, number] {
  const text = new TextDecoder('latin1').decode(bytes.subarray(0, 4096));
  const all = [...text.matchAll(/"[^"]*"|-?\d+(\.\d+)?|true|false|null|\[[^[\]]*\]/g)];
  const one = all[generator.integer(Math.max(all.length, 1))];
  return one ? [one.index, one.index + one[0].length] : piece(bytes, generator, 4);
}

const CHANGES: readonly Change[] = [
  (bytes, generator) => {
    const changed = bytes.slice();
    if (changed.length > 0) changed[place(changed, generator)]! ^= 1 << generator.integer(8);
    return changed;
  },
  (bytes, generator) => {
    const changed = bytes.slice();
    if (changed.length > 0) changed[place(changed, generator)] = generator.integer(256);
    return changed;
  },
  (bytes, generator) => {
    const number = numberBytes(generator);
    const start = place(bytes, generator);
    return spliced(bytes, start, Math.min(bytes.length, start + number.length), number);
  },
  (bytes, generator) => bytes.slice(0, generator.integer(bytes.length + 1)),
  (bytes, generator) => spliced(bytes, ...piece(bytes, generator), new Uint8Array(0)),
  (bytes, generator) => {
    const [start, end] = piece(bytes, generator);
    const at = place(bytes, generator);
    return spliced(bytes, at, at, bytes.subarray(start, end));
  },
  (bytes, generator, others) => {
    const other = others[generator.integer(others.length)]!;
    const [start, end] = piece(other, generator, 256);
    return spliced(bytes, ...piece(bytes, generator, 256), other.subarray(start, end));
  },
  (bytes, generator) =>
    spliced(bytes, ...literal(bytes, generator), TOKENS[generator.integer(TOKENS.length)]!),
  (bytes, generator) => {
    const [start, end] = literal(bytes, generator);
    const [from, to] = literal(bytes, generator);
    return spliced(bytes, start, end, bytes.subarray(from, to));
  },
];

const MOST_BYTES = 2 ** 18;

/** `bytes` changed in one place or some; `others` are files of the same kind to take pieces of. */
export function mutate(
  bytes: Uint8Array,
  generator: Generator,
  others: readonly Uint8Array[] = [bytes],
): Uint8Array {
  let changed = bytes;
  for (let left = generator.integer(4); left >= 0; left--) {
    changed = CHANGES[generator.integer(CHANGES.length)]!(changed, generator, others);
  }
  return changed.slice(0, MOST_BYTES);
}
