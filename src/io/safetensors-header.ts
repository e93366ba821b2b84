import { FormatError } from '../errors.js';
import { show } from '../options.js';
import { parseJson } from './json.js';

/** Element types of the format that Twill reads, and the bytes of one element. */
export const DTYPE_BYTES = {
  F64: 8,
  I64: 8,
  U64: 8,
  F32: 4,
  I32: 4,
  U32: 4,
  F16: 2,
  BF16: 2,
  I16: 2,
  U16: 2,
  U8: 1,
  I8: 1,
  BOOL: 1,
} as const;

/** `F32`, `I64`, ...: the format's own names. */
export type Dtype = keyof typeof DTYPE_BYTES;

/** The limit of the reference implementation. */
export const MAX_HEADER_BYTES = 100_000_000;

/** Where a tensor's elements lie: `begin` to `end` in the data that follow the header. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** A checked header: the entries in its order, and where the data begin. */
export interface Header {
  readonly entries: readonly TensorEntry[];
  readonly metadata: ReadonlyMap<string, string>;
  readonly dataStart: number;
}

/**
 * Reads and checks the header against the size of the file; touches nothing behind it.
 * @throws FormatError for everything that the format does not allow: afterwards every offset can be trusted
 */
export function parseHeader(bytes: Uint8Array, file: string): Header {
  const text = headerText(bytes, file);
  const dataStart = 8 + text.bytes;
  checkStructure(text.json, file);
  const root = parseJson(text.json, `[safetensors] ${file}: its header`);
  if (!isObject(root)) throw fail(file, 'its header is not a JSON object');
  const entries: TensorEntry[] = [];
  let metadata: ReadonlyMap<string, string> = new Map();
  for (const [name, value] of Object.entries(root)) {
    if (name === '__metadata__') metadata = parseMetadata(value, file);
    else entries.push(parseEntry(name, value, bytes.length - dataStart, file));
  }
  checkCover(entries, bytes.length - dataStart, file);
  return { entries, metadata, dataStart };
}

export function fail(file: string, reason: string): FormatError {
  return new FormatError(`[safetensors] ${file}: ${reason}`);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function headerText(bytes: Uint8Array, file: string): { json: string; bytes: number } {
  if (bytes.length < 8)
    throw fail(file, `truncated, it has ${bytes.length} bytes and not even the header's length`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES) {
    throw fail(
      file,
      `its header's length is ${length}, more than the ${MAX_HEADER_BYTES} that the format allows`,
    );
  }
  if (Number(length) > bytes.length - 8) {
    throw fail(file, `truncated, its header's length is ${length} but ${bytes.length - 8} bytes follow`);
  }
  const encoded = bytes.subarray(8, 8 + Number(length));
  if (encoded[0] !== 0x7b) throw fail(file, "its header does not begin with '{'");
  try {
    // Some runtimes refuse to decode from shared memory: copy.
    return { json: new TextDecoder('utf-8', { fatal: true }).decode(encoded.slice()), bytes: encoded.length };
  } catch {
    throw fail(file, 'its header is not UTF-8');
  }
}

/**
 * Finds what JSON.parse would swallow: a key that comes twice (the last would win silently), and nesting beyond the
 * four levels of a real header, which could cost gigabytes. Wrong JSON is left for JSON.parse to report.
 */
function checkStructure(json: string, file: string): void {
  const keys: Set<string>[] = [];
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (character === '{' || character === '[') {
      if (keys.push(new Set()) > 4) throw fail(file, 'its header is nested more than four levels deep');
    } else if (character === '}' || character === ']') {
      keys.pop();
    } else if (character === '"') {
      const start = at;
      at = stringEnd(json, start);
      if (isFollowedByColon(json, at + 1)) checkKey(json.slice(start, at + 1), keys.at(-1), file);
    }
  }
}

/** Position of the quote that ends the string which begins at `start`, or the text's length without one. */
function stringEnd(json: string, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
  return at;
}

function isFollowedByColon(json: string, start: number): boolean {
  let at = start;
  while (json[at] === ' ' || json[at] === '\n' || json[at] === '\r' || json[at] === '\t') at++;
  return json[at] === ':';
}

function checkKey(literal: string, seen: Set<string> | undefined, file: string): void {
  let key: string;
  try {
    key = JSON.parse(literal);
  } catch {
    return;
  }
  if (key === '__proto__') throw fail(file, "its header has the key '__proto__'");
  if (seen?.has(key)) throw fail(file, `its header has the key ${show(key)} twice`);
  seen?.add(key);
}

function parseMetadata(value: unknown, file: string): ReadonlyMap<string, string> {
  if (!isObject(value)) throw fail(file, '__metadata__ is not an object');
  const metadata = new Map<string, string>();
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string')
      throw fail(file, `__metadata__ ${show(key)} is ${show(text)} and not a string`);
    metadata.set(key, text);
  }
  return metadata;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function parseEntry(name: string, value: unknown, dataBytes: number, file: string): TensorEntry {
  const tensor = `tensor ${show(name)}`;
  if (!isObject(value)) throw fail(file, `${tensor} is ${show(value)} and not an object`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !Object.hasOwn(DTYPE_BYTES, dtype)) {
    const known = Object.keys(DTYPE_BYTES).join(', ');
    throw fail(file, `${tensor} has the dtype ${show(dtype)}, which is none of ${known}`);
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    throw fail(file, `${tensor} has the shape ${show(shape)}, which is no list of sizes`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw fail(file, `${tensor} has the data_offsets ${show(offsets)}, which are not two positions`);
  }
  const [begin, end] = offsets as [number, number];
  if (begin > end || end > dataBytes) {
    throw fail(file, `${tensor} lies at ${begin} to ${end} but the data have ${dataBytes} bytes`);
  }
  const bytes = byteSize(shape, dtype as Dtype);
  if (bytes !== end - begin) {
    throw fail(
      file,
      `${tensor} of shape ${shapeText(shape)} and dtype ${dtype} takes ${bytes ?? 'more than 2^53'} bytes ` +
        `but its data_offsets span ${end - begin}`,
    );
  }
  return { name, dtype: dtype as Dtype, shape, begin, end };
}

export const shapeText = (shape: readonly number[]) =>
  `[${shape.length > 8 ? `${shape.length} sizes` : shape.join(', ')}]`;

/** Bytes of a tensor, or undefined when they cannot be counted exactly. */
export function byteSize(shape: readonly number[], dtype: Dtype): number | undefined {
  if (shape.includes(0)) return 0;
  let size: number = DTYPE_BYTES[dtype];
  for (const length of shape) {
    size *= length;
    if (!Number.isSafeInteger(size)) return undefined;
  }
  return size;
}

/** The tensors must cover the data without overlap, gap or rest. */
function checkCover(entries: readonly TensorEntry[], dataBytes: number, file: string): void {
  const sorted = [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const { name, begin, end } of sorted) {
    if (begin !== covered) {
      const what = begin < covered ? 'overlaps the tensor before it' : 'leaves a gap to the tensor before it';
      throw fail(file, `tensor ${show(name)} ${what}: it begins at ${begin} but that ends at ${covered}`);
    }
    covered = end;
  }
  if (covered !== dataBytes) {
    throw fail(file, `its tensors end at ${covered} but ${dataBytes} bytes follow the header`);
  }
}
