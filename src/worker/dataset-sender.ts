import { type Dataset, ImageDataset, type Pixels } from '../data/dataset.js';
import { isShared, PIECE } from './copies.js';
import type { Line } from './line.js';
import type { Handle } from './protocol.js';

/** Sends data sets to a worker, each once: in pieces that are copied and transferred, or shared where they can be. */
export class DatasetSender {
  readonly #line: Line;
  readonly #sent = new WeakMap<Dataset, Promise<Handle>>();

  constructor(line: Line) {
    this.#line = line;
  }

  /** The data set's number in the worker, where it lives as long as `dataset` does here. */
  send(dataset: Dataset): Promise<Handle> {
    const known = this.#sent.get(dataset);
    if (known) return known;
    const sending = this.#send(dataset);
    this.#sent.set(dataset, sending);
    sending.catch(() => this.#sent.delete(dataset));
    return sending;
  }

  async #send(dataset: Dataset): Promise<Handle> {
    const handle = this.#line.handle();
    const { length, shape, targetShape, dtype, classes } = dataset;
    const shared = sharedParts(dataset);
    this.#line.collect(dataset, 'freeDataset', handle);
    await this.#line.call('openDataset', { handle, length, shape, targetShape, dtype, classes, shared });
    if (shared) return handle;
    const imageSize = shape[0] * shape[1] * shape[2];
    const bytes = imageSize * (dtype === 'uint8' ? 1 : Float32Array.BYTES_PER_ELEMENT);
    const step = Math.max(1, Math.floor(PIECE / bytes));
    for (let at = 0; at < length; at += step) {
      const size = Math.min(step, length - at);
      const pixels = size * imageSize;
      const images: Pixels = dtype === 'uint8' ? new Uint8Array(pixels) : new Float32Array(pixels);
      const labels = new Int32Array(size);
      const targets =
        targetShape && new Float32Array(targetShape.reduce((product, one) => product * one, size));
      const indices = Uint32Array.from({ length: size }, (_, i) => at + i);
      dataset.copy(indices, images, labels);
      if (targets) dataset.copyTargets!(indices, targets);
      await this.#line.call('fillDataset', { handle, at, images, labels, targets });
    }
    return handle;
  }
}

/** The pixels of a data set where both sides see their memory, with the labels; undefined where they have to be copied. */
function sharedParts(dataset: Dataset) {
  // A subclass may have a `copy` of its own.
  if (dataset.constructor !== ImageDataset) return undefined;
  const { images, labels, targets } = dataset as ImageDataset;
  if (!isShared(images)) return undefined;
  const copied = () => (labels instanceof Uint8Array ? new Uint8Array(labels) : new Int32Array(labels));
  return {
    images,
    labels: isShared(labels) ? labels : copied(),
    targets: targets && !isShared(targets) ? new Float32Array(targets) : targets,
  };
}
