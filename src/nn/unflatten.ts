import { OptionError } from '../errors.js';
import type { SymbolicTensor } from '../graph/graph.js';
import { reshape } from '../ops/reshape.js';
import { show } from '../options.js';
import { Module } from './module.js';

/** torch.nn.Unflatten(1, [C, H, W]): C*H*W features to [C, H, W], in PyTorch's order. One size may be -1. */
export class Unflatten extends Module {
  readonly #shape: readonly number[];

  /** Throws `OptionError` unless `dim` is 1, the features, and `unflattenedSize` is three whole numbers. */
  constructor(dim: 1, unflattenedSize: readonly [channels: number, height: number, width: number]) {
    super();
    if ((dim as unknown) !== 1) {
      throw new OptionError(`[Unflatten] dim must be 1, the features, but is ${show(dim)}`);
    }
    const given: unknown = unflattenedSize;
    const whole = (size: unknown) => size === -1 || (Number.isSafeInteger(size) && (size as number) > 0);
    const open = Array.isArray(given) ? given.filter((size) => size === -1).length : 0;
    if (!Array.isArray(given) || given.length !== 3 || !given.every(whole) || open > 1) {
      throw new OptionError(
        `[Unflatten] unflattenedSize must be [C, H, W], at most one of them -1, but is ${show(given)}`,
      );
    }
    this.#shape = [...unflattenedSize];
  }

  forward(x: SymbolicTensor): SymbolicTensor {
    return x.graph.apply(reshape, [x], {}, { shape: this.#shape }, this);
  }
}
