import { parseSafetensors, toFloat32 } from '../../src/io/safetensors.js';
import type { StateDict } from '../../src/nn/module.js';
import { goldenFile, goldenJson } from './golden.js';

export interface OptimIndex {
  readonly trainings: Readonly<Record<string, { readonly f64: number; readonly norms?: readonly number[] }>>;
  readonly schedules: Readonly<
    Record<string, { readonly lrs: readonly number[]; readonly momenta?: readonly number[] }>
  >;
  readonly plateaus: {
    readonly metrics: readonly (number | null)[];
    readonly runs: Readonly<
      Record<string, { readonly options: Readonly<Record<string, never>>; readonly lrs: readonly number[] }>
    >;
  };
}

/** What test/tools/make-golden-optim.py left: batches, and by the name of a training the weights in the end. */
export function goldenOptim() {
  const { tensors } = parseSafetensors(goldenFile('optim/optim.safetensors'));
  const state = (prefix: string): StateDict =>
    new Map(
      [...tensors]
        .filter(([name]) => name.startsWith(`${prefix}/`))
        .map(([name, one]) => [name.slice(prefix.length + 1), { shape: one.shape, data: toFloat32(one) }]),
    );
  const images = toFloat32(tensors.get('images')!);
  const labels = toFloat32(tensors.get('labels')!);
  const [batches, size] = tensors.get('labels')!.shape as [number, number];
  const pixels = images.length / batches;
  return {
    index: goldenJson<OptimIndex>('optim/index.json'),
    state,
    batch: (step: number) => {
      const at = step % batches;
      return {
        images: images.subarray(at * pixels, (at + 1) * pixels),
        labels: labels.subarray(at * size, (at + 1) * size),
      };
    },
  };
}
