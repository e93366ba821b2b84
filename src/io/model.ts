import type { Module, StateDict, StateTensor } from '../nn/module.js';
import { parseSafetensors, serialiseSafetensors, type StoredTensor, toFloat32 } from './safetensors.js';

/** The model's parameters and buffers as a safetensors file: PyTorch's keys, shapes and order of elements. */
export function toBytes(model: Module): Uint8Array<ArrayBuffer> {
  const tensors = [...model.stateDict()].map(([key, tensor]) => [key, stored(tensor)] as const);
  return serialiseSafetensors(new Map(tensors));
}

/** As a file holds it. */
export function stored({ shape, data, dtype }: StateTensor): StoredTensor {
  if (dtype !== 'int64') return { dtype: 'F32', shape, data };
  return { dtype: 'I64', shape, data: BigInt64Array.from(data, (value) => BigInt(value)) };
}

/**
 * Sets the model's parameters and buffers from the bytes of a safetensors file. Throws `FormatError` for a malformed
 * file, and as `Module.loadStateDict` where it does not fit the model; in each case nothing is changed.
 * @param name what errors call the file
 */
export function fromBytes(model: Module, bytes: Uint8Array, name = 'the safetensors data'): void {
  const { tensors } = parseSafetensors(bytes, name);
  const state: StateDict = new Map(
    [...tensors].map(([key, tensor]) => [key, { shape: tensor.shape, data: toFloat32(tensor) }]),
  );
  model.loadStateDict(state);
}
