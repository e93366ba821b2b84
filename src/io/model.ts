import type { Module, StateDict } from '../nn/module.js';
import { parseSafetensors, serialiseSafetensors, toFloat32 } from './safetensors.js';

/** The model's parameters as a safetensors file: PyTorch's keys, shapes and order of elements. */
export function toBytes(model: Module): Uint8Array<ArrayBuffer> {
  const tensors = [...model.stateDict()].map(([key, { shape, data }]) => {
    return [key, { dtype: 'F32', shape, data }] as const;
  });
  return serialiseSafetensors(new Map(tensors));
}

/**
 * Sets the model's parameters from the bytes of a safetensors file. Throws `FormatError` for a malformed file, and
 * as `Module.loadStateDict` where it does not fit the model; in each case nothing is changed.
 * @param name what errors call the file
 */
export function fromBytes(model: Module, bytes: Uint8Array, name = 'the safetensors data'): void {
  const { tensors } = parseSafetensors(bytes, name);
  const state: StateDict = new Map(
    [...tensors].map(([key, tensor]) => [key, { shape: tensor.shape, data: toFloat32(tensor) }]),
  );
  model.loadStateDict(state);
}
