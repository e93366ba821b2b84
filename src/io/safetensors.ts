import { OptionError, ShapeError } from '../errors.js';
import { show } from '../options.js';
import { byteSize, DTYPE_BYTES, type Dtype, parseHeader, shapeText } from './safetensors-header.js';

export type { Dtype };

/** The array that holds a tensor's elements; the 16-bit floats, which JavaScript lacks, stay raw bits. */
export type TensorData =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

/** A tensor of a safetensors file: row-major, in the layout of whoever wrote it (PyTorch's: NCHW, OIHW). */
export interface StoredTensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** What a safetensors file holds. */
export interface Safetensors {
  /** By name, in the order of the file's header. */
  readonly tensors: Map<string, StoredTensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** The array that holds elements of each type. */
export const ARRAYS = {
  F64: Float64Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
  F32: Float32Array,
  I32: Int32Array,
  U32: Uint32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I16: Int16Array,
  U16: Uint16Array,
  U8: Uint8Array,
  I8: Int8Array,
  BOOL: Uint8Array,
} as const satisfies Record<Dtype, unknown>;

/**
 * Reads a safetensors file. The whole header is checked before the first tensor is copied out.
 * @param file name of the file, for errors
 * @throws FormatError, naming the file and the tensor, when the file is not what the format allows
 */
export function parseSafetensors(bytes: Uint8Array, file = 'data'): Safetensors {
  const { entries, metadata, dataStart } = parseHeader(bytes, file);
  const tensors = new Map<string, StoredTensor>();
  for (const { name, dtype, shape, begin, end } of entries) {
    // A copy, because offsets need not be aligned to the elements.
    const copy = new Uint8Array(end - begin);
    copy.set(bytes.subarray(dataStart + begin, dataStart + end));
    tensors.set(name, { dtype, shape, data: new ARRAYS[dtype](copy.buffer) });
  }
  return { tensors, metadata };
}

/**
 * Writes a safetensors file; the same tensors give the same bytes. The header keeps the order of `tensors`; the data
 * are ordered by element size, so that every tensor is aligned, which is what the reference does too.
 * @throws ShapeError when a tensor's data do not fit its shape; OptionError for a name, dtype or array that the format
 * cannot hold
 */
export function serialiseSafetensors(
  tensors: Iterable<readonly [string, StoredTensor]>,
  metadata: Iterable<readonly [string, string]> = [],
): Uint8Array<ArrayBuffer> {
  const named = [...tensors];
  const begins = new Map<string, number>();
  let dataBytes = 0;
  for (const [name, tensor] of [...named].sort((a, b) => elementBytes(b) - elementBytes(a))) {
    checkTensor(name, tensor, begins);
    begins.set(name, dataBytes);
    dataBytes += tensor.data.byteLength;
  }
  const header = new TextEncoder().encode(headerJson(named, begins, [...metadata]));
  const padded = Math.ceil(header.length / 8) * 8;
  const bytes = new Uint8Array(8 + padded + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.fill(0x20, 8, 8 + padded);
  bytes.set(header, 8);
  for (const [name, { data }] of named) {
    const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    bytes.set(raw, 8 + padded + begins.get(name)!);
  }
  return bytes;
}

const elementBytes = ([, tensor]: readonly [string, StoredTensor]) => DTYPE_BYTES[tensor.dtype] ?? 0;

function checkTensor(
  name: string,
  { dtype, shape, data }: StoredTensor,
  seen: ReadonlyMap<string, unknown>,
): void {
  if (typeof name !== 'string' || name === '__metadata__' || name === '__proto__') {
    throw new OptionError(`[safetensors] ${show(name)} cannot be a tensor's name`);
  }
  if (seen.has(name)) throw new OptionError(`[safetensors] there are two tensors ${show(name)}`);
  if (!Object.hasOwn(DTYPE_BYTES, dtype)) {
    throw new OptionError(`[safetensors] tensor ${show(name)} has the unknown dtype ${show(dtype)}`);
  }
  if (!(data instanceof ARRAYS[dtype])) {
    throw new OptionError(
      `[safetensors] tensor ${show(name)} of dtype ${dtype} needs a ${ARRAYS[dtype].name} but has ${show(data)}`,
    );
  }
  if (
    !shape.every((size) => Number.isSafeInteger(size) && size >= 0) ||
    byteSize(shape, dtype) !== data.byteLength
  ) {
    throw new ShapeError(
      `[safetensors] tensor ${show(name)} of shape ${shapeText(shape)} does not hold ${data.length} elements`,
    );
  }
}

function headerJson(
  named: readonly (readonly [string, StoredTensor])[],
  begins: ReadonlyMap<string, number>,
  metadata: readonly (readonly [string, string])[],
): string {
  // Joined by hand: an object would move names that look like numbers to the front.
  const entry = (key: string, value: unknown) => `${JSON.stringify(key)}:${JSON.stringify(value)}`;
  const parts = named.map(([name, { dtype, shape, data }]) => {
    const begin = begins.get(name)!;
    return entry(name, { dtype, shape, data_offsets: [begin, begin + data.byteLength] });
  });
  if (metadata.length > 0) {
    const texts = metadata.map(([key, text]) => entry(key, text));
    parts.unshift(`"__metadata__":{${texts.join(',')}}`);
  }
  return `{${parts.join(',')}}`;
}

/** The value of an IEEE half: 1 sign bit, 5 exponent bits, 10 fraction bits. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** The elements as float32: 16-bit floats exactly, wider types rounded to the nearest. Always a copy. */
export function toFloat32({ dtype, data }: StoredTensor): Float32Array<ArrayBuffer> {
  if (dtype === 'F16') return Float32Array.from(data as Uint16Array, fromHalf);
  if (dtype === 'BF16') {
    // A bfloat16 is the upper half of a float32.
    return new Float32Array(Uint32Array.from(data as Uint16Array, (bits) => bits << 16).buffer);
  }
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Float32Array.from(data, Number);
  return new Float32Array(data);
}
