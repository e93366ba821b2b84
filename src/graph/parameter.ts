import type { Backend, Memory } from '../backend/backend.js';
import { ShapeError } from '../errors.js';
import { formatShape } from '../ops/op.js';
import { type Packing, pack, unpack } from '../ops/packing.js';

/** Where a parameter's values live on a backend. */
export interface Placement {
  readonly backend: Backend;
  readonly memory: Memory;
  readonly byteOffset: number;
  readonly packing: Packing;
}

/** What a state file holds the values as. */
export type StateDtype = 'float32' | 'int64';

/**
 * A tensor that a model owns: a weight, a bias. Until a program first uses it the values are here; from then on
 * they are in a backend's memory, and `read` and `write` go there.
 */
export class Parameter {
  /** PyTorch's: [OC, IC / groups, KH, KW], [OUT, IN], [C]. */
  readonly shape: readonly number[];
  /** Number of its values. */
  readonly size: number;
  /** False freezes it: no gradient is computed and no optimizer changes it. Takes effect in the next `Trainer`. */
  requiresGrad = true;
  /** What a state file holds the values as. */
  readonly dtype: StateDtype = 'float32';
  #values: Float32Array | undefined;
  #placement: Placement | undefined;
  #version = 0;

  /** `values` in PyTorch's order; zeros by default. Throws `ShapeError` where their number is not the shape's. */
  constructor(shape: readonly number[], values?: Float32Array) {
    this.shape = [...shape];
    this.size = shape.reduce((product, size) => product * size, 1);
    this.#values = new Float32Array(this.size);
    if (values) this.write(values);
  }

  /** A copy of the values, in PyTorch's order. */
  read(): Float32Array {
    if (!this.#placement) return this.#values!.slice();
    const packed = new Float32Array(this.size);
    this.#placement.memory.read(packed, this.#placement.byteOffset);
    return unpack(packed, this.shape, this.#placement.packing);
  }

  /** How often `write` has set the values: tells whoever holds a copy that it is out of date. */
  get version(): number {
    return this.#version;
  }

  /** Replaces the values by a copy of `values`, in PyTorch's order. */
  write(values: Float32Array): void {
    if (values.length !== this.size) {
      throw new ShapeError(
        `expected ${this.size} values for a parameter of ${formatShape(this.shape)} but got ${values.length}`,
      );
    }
    this.#version++;
    if (!this.#placement) this.#values!.set(values);
    else
      this.#placement.memory.write(
        pack(values, this.shape, this.#placement.packing),
        this.#placement.byteOffset,
      );
  }

  /** @internal */
  get placement(): Placement | undefined {
    return this.#placement;
  }

  /** Moves the values to a backend's memory, from the host or from where they were. @internal */
  place(placement: Placement): void {
    const values = this.read();
    placement.memory.write(pack(values, this.shape, placement.packing), placement.byteOffset);
    this.#placement = placement;
    this.#values = undefined;
  }
}

/**
 * State of a module that no optimizer changes, PyTorch's buffer: running statistics. It is part of `stateDict()`, but
 * not of `parameters()`.
 */
export class ModuleBuffer extends Parameter {
  override requiresGrad = false;
  override readonly dtype: StateDtype;

  /** Throws `ShapeError` where the number of values is not the shape's. */
  constructor(shape: readonly number[], values: Float32Array, dtype: StateDtype = 'float32') {
    super(shape, values);
    this.dtype = dtype;
  }
}
