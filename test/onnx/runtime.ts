import * as ort from 'onnxruntime-web';

// What we did not write: onnxruntime, on one thread, so that Node needs no worker.
ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

/** Runs an ONNX file on a batch and returns its only output. */
export async function runOnnx(
  file: Uint8Array,
  images: Float32Array | Uint8Array,
  shape: readonly number[],
): Promise<{ data: Float32Array; dims: readonly number[]; names: readonly string[] }> {
  const session = await ort.InferenceSession.create(file, { graphOptimizationLevel: 'basic' });
  try {
    const [input] = session.inputNames;
    const [output] = session.outputNames;
    const type = images instanceof Uint8Array ? 'uint8' : 'float32';
    const tensor = new ort.Tensor(type as 'float32', images as Float32Array, shape);
    const result = (await session.run({ [input!]: tensor }))[output!]!;
    return { data: result.data as Float32Array, dims: result.dims, names: [input!, output!] };
  } finally {
    await session.release();
  }
}
