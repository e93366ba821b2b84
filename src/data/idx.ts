import { FormatError } from '../errors.js';
import { inflate, isGzip } from './gzip.js';

/** An IDX file: the format of MNIST and its relatives (http://yann.lecun.com/exdb/mnist). */
export interface IdxArray {
  /** As the file says. */
  readonly type: 'uint8' | 'int8' | 'int16' | 'int32' | 'float32' | 'float64';
  /** Size of each dimension, the slowest first. */
  readonly shape: readonly number[];
  /** The elements, row-major. */
  readonly data: Uint8Array | Int8Array | Int16Array | Int32Array | Float32Array | Float64Array;
}

interface ElementType {
  readonly type: IdxArray['type'];
  readonly bytes: number;
  readonly read: (view: DataView, start: number, count: number) => IdxArray['data'];
}

/** A reader that fills `make(count)` with what `get` finds every `bytes` bytes. */
function reader<T extends { [index: number]: number }>(
  bytes: number,
  make: (count: number) => T,
  get: (view: DataView, offset: number) => number,
): (view: DataView, start: number, count: number) => T {
  return (view, start, count) => {
    const data = make(count);
    for (let i = 0; i < count; i++) data[i] = get(view, start + i * bytes);
    return data;
  };
}

const asBytes = (view: DataView, start: number, count: number) =>
  new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset + start, count);

/** By the third byte of the file. */
const ELEMENT_TYPES: ReadonlyMap<number, ElementType> = new Map<number, ElementType>([
  [0x08, { type: 'uint8', bytes: 1, read: asBytes }],
  [
    0x09,
    {
      type: 'int8',
      bytes: 1,
      read: reader(
        1,
        (n) => new Int8Array(n),
        (v, at) => v.getInt8(at),
      ),
    },
  ],
  [
    0x0b,
    {
      type: 'int16',
      bytes: 2,
      read: reader(
        2,
        (n) => new Int16Array(n),
        (v, at) => v.getInt16(at),
      ),
    },
  ],
  [
    0x0c,
    {
      type: 'int32',
      bytes: 4,
      read: reader(
        4,
        (n) => new Int32Array(n),
        (v, at) => v.getInt32(at),
      ),
    },
  ],
  [
    0x0d,
    {
      type: 'float32',
      bytes: 4,
      read: reader(
        4,
        (n) => new Float32Array(n),
        (v, at) => v.getFloat32(at),
      ),
    },
  ],
  [
    0x0e,
    {
      type: 'float64',
      bytes: 8,
      read: reader(
        8,
        (n) => new Float64Array(n),
        (v, at) => v.getFloat64(at),
      ),
    },
  ],
]);

/** Larger files do not fit into one typed array everywhere. */
export const MAX_IDX_BYTES = 2 ** 31 - 1;

interface Header {
  readonly element: ElementType;
  readonly shape: readonly number[];
  /** Bytes before the elements. */
  readonly start: number;
  /** Bytes of the whole file. */
  readonly total: number;
}

/** Reads the header, or gives undefined when `bytes` do not hold all of it. */
function parseHeader(bytes: Uint8Array, name: string): Header | undefined {
  if (bytes.length < 4) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const element = ELEMENT_TYPES.get(bytes[2]!);
  if (bytes[0] !== 0 || bytes[1] !== 0 || element === undefined) {
    const magic = `0x${view.getUint32(0).toString(16).padStart(8, '0')}`;
    const hint = bytes[0] === 0x3c ? ', it looks like a web page' : '';
    throw new FormatError(
      `[idx] ${name}: no IDX file, its magic number is ${magic} instead of 0x000008.. or alike${hint}`,
    );
  }
  const rank = bytes[3]!;
  const start = 4 + 4 * rank;
  if (bytes.length < start) return undefined;
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  let total = start;
  // A zero anywhere means that there are no elements, however large the other sizes are.
  if (!shape.includes(0)) total += shape.reduce((product, size) => product * size, element.bytes);
  if (total > MAX_IDX_BYTES) {
    throw new FormatError(
      `[idx] ${name}: its header promises ${shape.join('x')} ${element.type}, more than ${MAX_IDX_BYTES} bytes`,
    );
  }
  return { element, shape, start, total };
}

function truncated(bytes: Uint8Array, name: string): FormatError {
  return new FormatError(`[idx] ${name}: truncated, it ends after ${bytes.length} bytes, within the header`);
}

/**
 * Parses an IDX file that is not compressed. Bytes are not copied: the result of a uint8 file shares their memory.
 * @param name of the file, for errors
 * @throws FormatError when the magic number is wrong, or the length is not what the header promises
 */
export function parseIdx(bytes: Uint8Array, name: string): IdxArray {
  const header = parseHeader(bytes, name);
  if (header === undefined) throw truncated(bytes, name);
  const { element, shape, start, total } = header;
  if (bytes.length !== total) {
    const what = bytes.length < total ? 'truncated' : 'trailing bytes';
    throw new FormatError(
      `[idx] ${name}: ${what}, ${shape.join('x')} ${element.type} take ${total} bytes but it has ${bytes.length}`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { type: element.type, shape, data: element.read(view, start, (total - start) / element.bytes) };
}

/**
 * Parses an IDX file, compressed by gzip or not. Never inflates more than the header promises.
 * @throws FormatError as `parseIdx` does, and for damaged gzip data
 */
export async function decodeIdx(bytes: Uint8Array, name: string): Promise<IdxArray> {
  if (!isGzip(bytes)) return parseIdx(bytes, name);
  return parseIdx(await inflate(bytes, (head) => parseHeader(head, name)?.total, name), name);
}
