import { DataError } from '../errors.js';
import type { Module } from '../nn/module.js';
import { fromBytes, toBytes } from './model.js';

/** Offers the model's parameters as a download: a safetensors file with PyTorch's keys, shapes and order of elements. */
export async function save(model: Module, name: string | URL): Promise<void> {
  const url = URL.createObjectURL(new Blob([toBytes(model)], { type: 'application/octet-stream' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = String(name).split('/').at(-1) ?? 'model.safetensors';
  link.click();
  // The download reads the object later than the click returns.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/**
 * Sets the model's parameters from a safetensors file: a URL, or a file that the visitor chose. Throws `DataError`
 * where it cannot be fetched, `FormatError` where it is malformed, `OptionError` and `ShapeError` where it does not
 * fit the model; nothing is changed then.
 */
export async function load(model: Module, source: string | URL | Blob): Promise<void> {
  if (source instanceof Blob) {
    const name = source instanceof File ? source.name : undefined;
    return fromBytes(model, new Uint8Array(await source.arrayBuffer()), name);
  }
  const response = await fetch(source).catch((cause: unknown) => {
    throw new DataError(`cannot fetch ${source}: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  });
  if (!response.ok) throw new DataError(`cannot fetch ${source}: status ${response.status}`);
  fromBytes(model, new Uint8Array(await response.arrayBuffer()), String(source));
}
