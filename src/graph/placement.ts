import type { Backend, Memory } from '../backend/backend.js';
import { ShapeError } from '../errors.js';
import type { Op } from '../ops/op.js';
import { type Packing, PLAIN, samePacking } from '../ops/packing.js';
import type { GraphNode } from './graph.js';
import type { Parameter } from './parameter.js';
import { align } from './plan.js';

/** Parameters that lie side by side in one memory, so that one call of an optimizer's kernel updates them all. */
export interface ParameterBlock {
  readonly memory: Memory;
  readonly bytes: number;
  /** Byte offset of each parameter in the block. */
  readonly offsets: ReadonlyMap<Parameter, number>;
}

/** Every parameter of the graph with the packing that its op wants. Throws `ShapeError` where two ops disagree. */
export function packingsOf(nodes: readonly GraphNode[]): Map<Parameter, Packing> {
  const packings = new Map<Parameter, Packing>();
  for (const node of nodes) {
    for (const [name, parameter] of Object.entries(node.parameters)) {
      const packing = (node.op as Op).packing?.(name, node) ?? PLAIN;
      const known = packings.get(parameter);
      if (known && !samePacking(known, packing)) {
        throw new ShapeError(`[${node.where}] shares its ${name} with an op that needs it in another layout`);
      }
      packings.set(parameter, packing);
    }
  }
  return packings;
}

/** Where `parameters` would lie in a block of their own, in order. */
export function layOutBlock(parameters: Iterable<Parameter>): {
  bytes: number;
  offsets: Map<Parameter, number>;
} {
  const offsets = new Map<Parameter, number>();
  let bytes = 0;
  for (const parameter of parameters) {
    offsets.set(parameter, bytes);
    bytes += align(parameter.size * Float32Array.BYTES_PER_ELEMENT);
  }
  return { bytes, offsets };
}

/** Makes sure that every parameter is on `backend` in its packing; those that are not move there, together. */
export function placeAnywhere(backend: Backend, packings: ReadonlyMap<Parameter, Packing>): void {
  const elsewhere = [...packings].filter(([parameter, packing]) => {
    const { placement } = parameter;
    return !placement || placement.backend !== backend || !samePacking(placement.packing, packing);
  });
  if (elsewhere.length > 0) placeTogether(backend, new Map(elsewhere));
}

/** Makes sure that the parameters are on `backend` side by side, moving them to a new block unless they are. */
export function placeTogether(backend: Backend, packings: ReadonlyMap<Parameter, Packing>): ParameterBlock {
  const { bytes, offsets } = layOutBlock(packings.keys());
  const memory = sharedBlock(backend, packings, offsets) ?? backend.allocate(Math.max(bytes, 64));
  for (const [parameter, packing] of packings) {
    const byteOffset = offsets.get(parameter)!;
    if (parameter.placement?.memory !== memory) parameter.place({ backend, memory, byteOffset, packing });
  }
  return { memory, bytes, offsets };
}

/** The memory in which all of them lie just so already, if there is one. */
function sharedBlock(
  backend: Backend,
  packings: ReadonlyMap<Parameter, Packing>,
  offsets: ReadonlyMap<Parameter, number>,
): Memory | undefined {
  let memory: Memory | undefined;
  for (const [parameter, packing] of packings) {
    const { placement } = parameter;
    if (!placement || placement.backend !== backend || placement.byteOffset !== offsets.get(parameter))
      return undefined;
    if (!samePacking(placement.packing, packing) || (memory && placement.memory !== memory)) return undefined;
    memory = placement.memory;
  }
  return memory;
}
