import type { KernelSignature, Memory } from '../backend/backend.js';
import { ALIGNMENT, align, planArena } from './plan.js';

/** Kinds of buffers in native/runtime/program.h. */
export const KIND = { shared: 0, slice: 1, thread: 2 } as const;

/**
 * Partial sums a run is cut into, at most. Fixed, so that the bits do not depend on the machine: 16 keeps up to 16
 * threads busy, and costs 16 copies of the gradients.
 */
export const MAX_SLICES = 16;
/** A slice is walked in tiles of at most 8 images, fewer where their activations would outgrow an L2 cache. */
const MAX_TILE = 8;
const TILE_BYTES = 512 * 1024;

/** Where a buffer's bytes are: in memory of others, or in the program's own, in one of three roles. */
export type Role =
  | { kind: 'bound'; memory: Memory; byteOffset: number; bytes: number }
  /** One value for the whole program. */
  | { kind: 'whole'; bytes: number }
  /** A part of an earlier one. */
  | { kind: 'view'; of: number; byteOffset: number; bytes: number }
  /** One row an image, for as long as it is used; `external` ones stay and can be read and written from outside. */
  | { kind: 'batch'; bytesPerImage: number; external: boolean }
  /** A range of the partial sums, of which there is one instance a slice: `all` sees every instance, to add them up. */
  | { kind: 'partial'; byteOffset: number; bytes: number; all: boolean };

export interface Call {
  readonly signature: KernelSignature;
  readonly params: number[];
  /** Buffer ids; -1 where an optional operand is left out. */
  readonly operands: readonly number[];
}

/** Calls that run on one piece of work after another, without a barrier between them. */
export interface Stage {
  readonly domain: 'images' | 'rows' | 'elements';
  /** Elements, or the bands that each image is cut into. */
  readonly units: number;
  readonly calls: Call[];
}

/** One buffer of a program's table, in bytes. Block 0 is the program's own memory. */
export interface Entry {
  readonly block: number;
  readonly offset: number;
  readonly bytes: number;
  readonly kind: number;
  readonly stride: number;
  readonly imageBytes: number;
}

/** Every buffer's place, and how much memory the program needs of its own. */
export interface Layout {
  readonly entries: readonly Entry[];
  readonly boundMemories: readonly Memory[];
  readonly bytes: number;
  readonly tile: number;
  readonly threads: number;
}

/**
 * Gives every buffer its place. An activation that lives within one stage of images gets a place in the thread's arena, which
 * holds a tile of images; one that crosses stages, or is read from outside, has a row for every image of the batch.
 */
export function layOut(
  roles: readonly Role[],
  stages: readonly Stage[],
  capacity: number,
  partialBytes: number,
  threads: number,
): Layout {
  const uses = usesOf(roles.length, stages);
  const boundMemories = [...new Set(roles.flatMap((role) => (role.kind === 'bound' ? [role.memory] : [])))];
  let bytes = partialBytes * MAX_SLICES;
  const own = (size: number): Entry => {
    const offset = bytes;
    bytes += align(size);
    return { block: 0, offset, bytes: size, kind: KIND.shared, stride: 0, imageBytes: 0 };
  };

  const inArena: number[] = [];
  const entries: Entry[] = [];
  roles.forEach((role, id) => {
    const { firstStage, lastStage, whole } = uses[id]!;
    if (role.kind === 'batch' && !role.external && firstStage === lastStage && !whole) inArena.push(id);
    else if (role.kind === 'batch') entries[id] = own(role.bytesPerImage * capacity);
    else if (role.kind === 'whole') entries[id] = own(role.bytes);
    else if (role.kind === 'partial') entries[id] = partialEntry(role, partialBytes);
    else if (role.kind === 'view') entries[id] = viewOf(entries[role.of]!, role);
    else
      entries[id] = {
        ...own(0),
        block: 1 + boundMemories.indexOf(role.memory),
        offset: role.byteOffset,
        bytes: role.bytes,
      };
  });

  const imageBytes = (id: number) => (roles[id] as { bytesPerImage: number }).bytesPerImage;
  const arena = (tile: number) =>
    planArena(
      inArena.map((id) => ({
        bytes: imageBytes(id) * tile,
        first: uses[id]!.firstCall,
        last: uses[id]!.lastCall,
      })),
    );
  const tile = Math.max(
    1,
    Math.min(MAX_TILE, capacity, Math.floor(TILE_BYTES / Math.max(1, arena(1).bytes))),
  );
  const plan = arena(tile);
  const start = own(plan.bytes * threads).offset;
  inArena.forEach((id, index) => {
    const place = { block: 0, offset: start + plan.offsets[index]!, kind: KIND.thread, stride: plan.bytes };
    entries[id] = { ...place, bytes: imageBytes(id) * tile, imageBytes: imageBytes(id) };
  });
  return { entries, boundMemories, bytes: Math.max(bytes, ALIGNMENT), tile, threads };
}

function viewOf(whole: Entry, { byteOffset, bytes }: Extract<Role, { kind: 'view' }>): Entry {
  return { ...whole, offset: whole.offset + byteOffset, bytes };
}

/** Partial sums lie at the start of the program's memory, `partialBytes` from one instance to the next. */
function partialEntry(
  { byteOffset, bytes, all }: Extract<Role, { kind: 'partial' }>,
  partialBytes: number,
): Entry {
  const place = { block: 0, offset: byteOffset, imageBytes: 0 };
  if (all) return { ...place, bytes: partialBytes * (MAX_SLICES - 1) + bytes, kind: KIND.shared, stride: 0 };
  return { ...place, bytes, kind: KIND.slice, stride: partialBytes };
}

interface Use {
  /** A call over elements takes it, which sees all images at once. */
  whole: boolean;
  firstStage: number;
  lastStage: number;
  firstCall: number;
  lastCall: number;
}

function usesOf(count: number, stages: readonly Stage[]): Use[] {
  const uses = Array.from({ length: count }, (): Use => ({
    whole: false,
    firstStage: 0,
    lastStage: 0,
    firstCall: -1,
    lastCall: -1,
  }));
  let position = 0;
  stages.forEach(({ domain, calls }, stage) => {
    for (const { operands } of calls) {
      for (const id of operands) {
        if (id < 0) continue;
        const use = uses[id]!;
        if (use.firstCall < 0) {
          use.firstStage = stage;
          use.firstCall = position;
        }
        use.whole ||= domain === 'elements';
        use.lastStage = stage;
        use.lastCall = position;
      }
      position++;
    }
  });
  return uses;
}
