import { byteSize, DTYPE_BYTES, type Dtype } from '../io/safetensors-header.js';
import { ARRAYS, type StoredTensor, type TensorData, toFloat32 } from '../io/safetensors.js';
import { show } from '../options.js';
import type { TensorProto } from './proto.js';

/** Element types by their number in onnx.proto, named as safetensors names them. */
const DTYPES: Readonly<Record<number, Dtype>> = {
  1: 'F32',
  2: 'U8',
  3: 'I8',
  4: 'U16',
  5: 'I16',
  6: 'I32',
  7: 'I64',
  9: 'BOOL',
  10: 'F16',
  11: 'F64',
  12: 'U32',
  13: 'U64',
  16: 'BF16',
};

const EXTERNAL = 1;
/** ONNX names no limit; images have four, and nothing that Twill can use has more than six. */
const MOST_DIMENSIONS = 8;

/** A tensor of a file, its size checked against its data; nothing is copied before it is asked for. */
export class Constant {
  readonly name: string;
  readonly dims: readonly number[];
  /** Number of elements. */
  readonly size: number;
  readonly #tensor: TensorProto;
  readonly #dtype: Dtype;
  readonly #fail: (reason: string) => Error;

  /** @param fail makes the error for a tensor that is not what the format allows, or lies in another file */
  constructor(tensor: TensorProto, fail: (reason: string) => Error) {
    const what = `tensor ${show(tensor.name ?? '')}`;
    const { dims, data_type = 0, data_location = 0, external_data = [], raw_data } = tensor;
    const dtype = Object.hasOwn(DTYPES, data_type) ? DTYPES[data_type] : undefined;
    if (!dtype) throw fail(`${what} has the data type ${data_type}, which is none that Twill reads`);
    if (data_location === EXTERNAL || external_data.length > 0) {
      throw fail(`${what} lies in another file, which Twill does not open: save the model as one file`);
    }
    if (dims.length > MOST_DIMENSIONS || !dims.every((size) => Number.isSafeInteger(size) && size >= 0)) {
      throw fail(`${what} has the sizes ${show(dims)}`);
    }
    const bytes = byteSize(dims, dtype);
    const held = raw_data?.length ?? typedData(tensor, dtype).length * DTYPE_BYTES[dtype];
    if (bytes !== held) {
      throw fail(
        `${what} of ${dims.join('x') || 'one element'} (${dtype}) takes ${bytes ?? 'more than 2^53'} bytes but has ${held}`,
      );
    }
    this.name = tensor.name ?? '';
    this.dims = dims;
    this.size = bytes / DTYPE_BYTES[dtype];
    this.#tensor = tensor;
    this.#dtype = dtype;
    this.#fail = fail;
  }

  /** The same elements seen with other sizes, as many. */
  reshaped(dims: readonly number[]): Constant {
    return new Constant({ ...this.#tensor, dims }, this.#fail);
  }

  /** The elements as float32, a copy. */
  floats(): Float32Array {
    return toFloat32(this.#stored());
  }

  /** The elements as numbers, for shapes and axes. */
  numbers(): number[] {
    return Array.from(this.#stored().data as ArrayLike<number | bigint>, Number);
  }

  #stored(): StoredTensor {
    const dtype = this.#dtype;
    const { raw_data } = this.#tensor;
    return {
      dtype,
      shape: this.dims,
      data: raw_data ? fromRaw(raw_data, dtype) : typed(this.#tensor, dtype),
    };
  }
}

/** A copy, because the bytes need not be aligned to the elements. */
function fromRaw(raw: Uint8Array, dtype: Dtype): TensorData {
  return new ARRAYS[dtype](Uint8Array.from(raw).buffer);
}

/** The field that holds the elements where they are not raw. */
function typedData(tensor: TensorProto, dtype: Dtype): readonly number[] {
  if (dtype === 'F32') return tensor.float_data ?? [];
  if (dtype === 'F64') return tensor.double_data ?? [];
  if (dtype === 'I64') return tensor.int64_data ?? [];
  return dtype === 'U32' || dtype === 'U64' ? [] : (tensor.int32_data ?? []);
}

function typed(tensor: TensorProto, dtype: Dtype): TensorData {
  const values = typedData(tensor, dtype);
  if (dtype === 'I64') return BigInt64Array.from(values, (value) => BigInt(Math.trunc(value)));
  return (ARRAYS[dtype] as Float32ArrayConstructor).from(values);
}
