import { type Buffer, sizeOf, type TensorSpec } from '../ops/op.js';
import type { GraphNode } from './graph.js';
import type { ProgramBuilder } from './program.js';

/** A copy of a tensor as it was when it was complete: kernels may overwrite what nobody needs any more. */
export interface Probe {
  /** What made it; undefined for the gradient that the loss gives. */
  readonly node: GraphNode | undefined;
  readonly pass: 'forward' | 'backward';
  readonly buffer: Buffer;
  /** Floats an image. */
  readonly size: number;
}

/** Makes a program keep every tensor that it computes, to be read afterwards. */
export class Probes {
  readonly all: Probe[] = [];
  readonly #builder: ProgramBuilder | undefined;

  /** Without a builder it keeps nothing. */
  constructor(builder: ProgramBuilder | undefined) {
    this.#builder = builder;
  }

  keep(pass: Probe['pass'], node: GraphNode | undefined, spec: TensorSpec, values: Buffer | undefined): void {
    if (!this.#builder || !values) return;
    const size = sizeOf(spec);
    const buffer = this.#builder.batch(size * Float32Array.BYTES_PER_ELEMENT, true);
    this.#builder.call('copy_into', { size }, { x: values, y: buffer });
    this.all.push({ node, pass, buffer, size });
  }
}
