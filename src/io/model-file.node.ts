import type { Module } from '../nn/module.js';
import { MAX_MODEL_BYTES, readBytes, writeFileAtomic } from './file.node.js';
import { fromBytes, toBytes } from './model.js';

/**
 * Writes the model's parameters to a safetensors file with PyTorch's keys, shapes and order of elements, whole or not
 * at all. Throws `DataError` where it cannot be written.
 */
export async function save(model: Module, file: string | URL): Promise<void> {
  await writeFileAtomic(file, toBytes(model));
}

/**
 * Sets the model's parameters from a safetensors file. Throws `DataError` where it cannot be read, `FormatError`
 * where it is malformed, `OptionError` and `ShapeError` where it does not fit the model; nothing is changed then.
 */
export async function load(model: Module, file: string | URL): Promise<void> {
  fromBytes(model, await readBytes(file, MAX_MODEL_BYTES), String(file));
}
