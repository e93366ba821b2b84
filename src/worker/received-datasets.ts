import { type Dataset, ImageDataset, type Pixels } from '../data/dataset.js';
import type { Handle, Params } from './protocol.js';

/** The data sets that a worker holds. They grow as their pieces arrive. */
export class ReceivedDatasets {
  readonly #arriving = new Map<
    Handle,
    { images: Pixels; labels: Uint8Array | Int32Array; data: Params<'openDataset'>; missing: number }
  >();
  readonly #complete = new Map<Handle, Dataset>();

  open(data: Params<'openDataset'>): void {
    const { handle, length, shape, dtype, shared } = data;
    const pixels = length * shape[0] * shape[1] * shape[2];
    const images = shared?.images ?? (dtype === 'uint8' ? new Uint8Array(pixels) : new Float32Array(pixels));
    const labels = shared?.labels ?? new Int32Array(length);
    this.#arriving.set(handle, { images, labels, data, missing: shared ? 0 : length });
    this.#completeWhereWhole(handle);
  }

  fill({ handle, at, images, labels }: Params<'fillDataset'>): void {
    const arriving = this.#arriving.get(handle)!;
    const size = images.length / labels.length;
    arriving.images.set(images, at * size);
    arriving.labels.set(labels, at);
    arriving.missing -= labels.length;
    this.#completeWhereWhole(handle);
  }

  get(handle: Handle): Dataset {
    return this.#complete.get(handle)!;
  }

  free(handle: Handle): void {
    this.#arriving.delete(handle);
    this.#complete.delete(handle);
  }

  #completeWhereWhole(handle: Handle): void {
    const { images, labels, data, missing } = this.#arriving.get(handle)!;
    if (missing > 0) return;
    this.#arriving.delete(handle);
    const { shape, classes } = data;
    this.#complete.set(handle, new ImageDataset({ images, labels, shape, classes }));
  }
}
