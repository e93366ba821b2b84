import { type Dataset, ImageDataset, type Pixels } from '../data/dataset.js';
import type { Handle, Params } from './protocol.js';

/** The data sets that a worker holds. They grow as their pieces arrive. */
export class ReceivedDatasets {
  readonly #arriving = new Map<
    Handle,
    {
      images: Pixels;
      labels: Uint8Array | Int32Array;
      targets: Float32Array | undefined;
      data: Params<'openDataset'>;
      missing: number;
    }
  >();
  readonly #complete = new Map<Handle, Dataset>();

  open(data: Params<'openDataset'>): void {
    const { handle, length, shape, targetShape, dtype, shared } = data;
    const pixels = length * shape[0] * shape[1] * shape[2];
    const images = shared?.images ?? (dtype === 'uint8' ? new Uint8Array(pixels) : new Float32Array(pixels));
    const labels = shared?.labels ?? new Int32Array(length);
    const values = targetShape?.reduce((product, one) => product * one, length);
    const targets = shared ? shared.targets : values === undefined ? undefined : new Float32Array(values);
    this.#arriving.set(handle, { images, labels, targets, data, missing: shared ? 0 : length });
    this.#completeWhereWhole(handle);
  }

  fill({ handle, at, images, labels, targets }: Params<'fillDataset'>): void {
    const arriving = this.#arriving.get(handle)!;
    const size = images.length / labels.length;
    arriving.images.set(images, at * size);
    arriving.labels.set(labels, at);
    if (targets) arriving.targets!.set(targets, (targets.length / labels.length) * at);
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
    const { images, labels, targets, data, missing } = this.#arriving.get(handle)!;
    if (missing > 0) return;
    this.#arriving.delete(handle);
    const { shape, targetShape, classes } = data;
    // Labels of -1 stand for none.
    const labelled = !targets || labels.some((label) => label >= 0);
    const options = { images, ...(labelled && { labels }), targets, targetShape, shape, classes };
    this.#complete.set(handle, new ImageDataset(options));
  }
}
