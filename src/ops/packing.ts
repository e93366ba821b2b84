import { sizeOf } from './op.js';

/**
 * How a parameter's values lie in backend memory. People see PyTorch's order; kernels want the output channels
 * last, so that vector lanes are channels. A packing is a permutation: `pack` and `unpack` lose nothing.
 */
export type Packing =
  | { readonly kind: 'plain' }
  /** OIHW [OC][IC/G][KH][KW] <-> [G][KH][KW][IC/G][OC/G] */
  | { readonly kind: 'conv2d'; readonly groups: number }
  /** [OUT][IN] <-> [IN][OUT]; after a flatten of C x H x W, IN goes from (C, H, W) to (H, W, C) order */
  | { readonly kind: 'linear'; readonly flattened?: readonly [number, number, number] }
  /** [C][H][W] <-> [H][W][C], values one an element of an image or of its flattened features */
  | { readonly kind: 'features'; readonly flattened: readonly [number, number, number] };

export const PLAIN: Packing = { kind: 'plain' };

export function samePacking(a: Packing, b: Packing): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** PyTorch's order to the backend's. */
export function pack(values: Float32Array, shape: readonly number[], packing: Packing): Float32Array {
  if (packing.kind === 'plain') return values.slice();
  const packed = new Float32Array(values.length);
  permutation(shape, packing, (outside, inside) => {
    packed[inside] = values[outside]!;
  });
  return packed;
}

/** The backend's order to PyTorch's. */
export function unpack(packed: Float32Array, shape: readonly number[], packing: Packing): Float32Array {
  if (packing.kind === 'plain') return packed.slice();
  const values = new Float32Array(packed.length);
  permutation(shape, packing, (outside, inside) => {
    values[outside] = packed[inside]!;
  });
  return values;
}

type Visit = (outside: number, inside: number) => void;

function permutation(shape: readonly number[], packing: Packing, visit: Visit): void {
  if (packing.kind === 'conv2d') conv2dOrder(shape, packing.groups, visit);
  else if (packing.kind === 'linear') linearOrder(shape, packing.flattened, visit);
  else if (packing.kind === 'features') linearOrder([1, sizeOf({ shape })], packing.flattened, visit);
}

function conv2dOrder(shape: readonly number[], groups: number, visit: Visit): void {
  const [OC, IC, KH, KW] = shape as [number, number, number, number];
  const taps = KH * KW;
  const OCG = OC / groups;
  let outside = 0;
  for (let oc = 0; oc < OC; oc++) {
    const group = Math.floor(oc / OCG);
    for (let ic = 0; ic < IC; ic++) {
      for (let tap = 0; tap < taps; tap++) {
        visit(outside++, ((group * taps + tap) * IC + ic) * OCG + (oc % OCG));
      }
    }
  }
}

function linearOrder(
  shape: readonly number[],
  flattened: readonly [number, number, number] | undefined,
  visit: Visit,
): void {
  const [OUT, IN] = shape as [number, number];
  const [C, H, W] = flattened ?? [IN, 1, 1];
  const area = H * W;
  let outside = 0;
  for (let out = 0; out < OUT; out++) {
    for (let c = 0; c < C; c++) {
      for (let place = 0; place < area; place++) visit(outside++, (place * C + c) * OUT + out);
    }
  }
}
