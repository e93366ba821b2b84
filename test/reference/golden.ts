import { readFileSync } from 'node:fs';
import { parseSafetensors, toFloat32 } from '../../src/io/safetensors.js';
import type { Tensor } from '../../src/nn/functional.js';

/** PyTorch's numbers; test/golden/README.md says how they were made. */
const root = new URL('../golden/', import.meta.url);

export interface GoldenTensor {
  readonly dtype: 'float32' | 'int32' | 'int64';
  readonly shape: readonly number[];
  readonly file: string;
  /** Largest distance of PyTorch's float32 from its own float64 result. */
  readonly f64?: number;
}

export interface GoldenCase {
  readonly name: string;
  readonly op: string;
  readonly attrs: Readonly<Record<string, never>>;
  readonly inputs: Readonly<Record<string, GoldenTensor>>;
  readonly outputs: Readonly<Record<string, GoldenTensor>>;
}

export function goldenJson<T>(path: string): T {
  return JSON.parse(readFileSync(new URL(path, root), 'utf8')) as T;
}

function bytes(path: string): ArrayBuffer {
  const file = readFileSync(new URL(path, root));
  return file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength) as ArrayBuffer;
}

export function goldenFloats(folder: string, { file }: GoldenTensor): Float32Array<ArrayBuffer> {
  return new Float32Array(bytes(`${folder}/${file}`));
}

export function goldenInts(folder: string, { file, dtype }: GoldenTensor): Int32Array {
  const raw = bytes(`${folder}/${file}`);
  return dtype === 'int64' ? Int32Array.from(new BigInt64Array(raw), Number) : new Int32Array(raw);
}

export function goldenTensor(folder: string, entry: GoldenTensor): Tensor {
  return { data: goldenFloats(folder, entry), shape: entry.shape };
}

/** The bound that the golden README states: 4 x PyTorch's own error + 1e-6 x the tensor's largest magnitude. */
export function goldenBound(entry: { readonly f64?: number }, theirs: Float32Array): number {
  const largest = theirs.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  return 4 * (entry.f64 ?? 0) + 1e-6 * largest;
}

export function goldenFile(path: string): Uint8Array {
  return new Uint8Array(bytes(path));
}

/** A case of test/golden/layers or spatial, made by test/tools/make-golden.py. */
export interface LayerCase {
  readonly name: string;
  readonly op: string;
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly inputs: readonly string[];
  readonly outputs: Readonly<Record<string, { readonly f64: number }>>;
}

export interface LayerIndex {
  readonly cases: readonly LayerCase[];
  /** In `layers` only. */
  readonly training: { readonly losses: readonly number[] };
}

/** What a folder of test/golden holds: its index, and every tensor by its name. */
export function goldenLayers(folder: 'layers' | 'spatial' = 'layers'): {
  index: LayerIndex;
  tensors: ReadonlyMap<string, Tensor>;
} {
  const { tensors } = parseSafetensors(goldenFile(`${folder}/${folder}.safetensors`));
  return {
    index: goldenJson<LayerIndex>(`${folder}/index.json`),
    tensors: new Map([...tensors].map(([name, one]) => [name, { data: toFloat32(one), shape: one.shape }])),
  };
}
