import type { KernelSignature } from '../backend/backend.js';

/** Parameters of a kernel call by name. */
type Params = Readonly<Record<string, number>>;

/** Moving a float in and out takes about as long as so many operations on it. */
const OPERATIONS_A_FLOAT = 16;

/** Whether a call over elements takes the more the more images a run has. */
export function isByImage({ name, domain }: KernelSignature): boolean {
  return domain !== 'elements' || name.startsWith('linear');
}

/**
 * Nominal floating-point operations of a kernel call, an image where it is by image: every tap counts, those on
 * padding too. 0 for kernels that mostly move data.
 */
export function flopsOf({ name, params }: KernelSignature, values: readonly number[]): number {
  const p = named(params, values);
  if (name.startsWith('conv2d')) return 2 * p.OC! * p.OH! * p.OW! * p.KH! * p.KW! * (p.IC! / p.groups!);
  if (name.startsWith('linear')) return 2 * p.IN! * p.OUT!;
  return name === 'peak_fma' ? 768 * p.rounds! * p.count! : 0;
}

/** What a call takes, in operations: its own, or those that moving its data is worth. */
export function workOf(signature: KernelSignature, values: readonly number[]): number {
  const flops = flopsOf(signature, values);
  if (flops > 0) return flops;
  const p = named(signature.params, values);
  const pixels = p.positions ?? (p.OH ?? p.H ?? 1) * (p.OW ?? p.W ?? 1);
  const floats = p.size ?? p.count ?? p.classes ?? p.C! * pixels * (p.KH ?? 1) * (p.KW ?? 1);
  return OPERATIONS_A_FLOAT * floats;
}

/** Rows of the output of a call over `rows`. */
export function rowsOf({ params }: KernelSignature, values: readonly number[]): number {
  const p = named(params, values);
  return p.PH ?? p.OH ?? 1;
}

function named(params: readonly string[], values: readonly number[]): Params {
  return Object.fromEntries(params.map((param, i) => [param, values[i]!]));
}
