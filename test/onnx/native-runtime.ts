import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as Ort from 'onnxruntime-web';
import { expect, it } from 'vitest';
import { Predictor } from '../../src/index.node.js';
import { exportOnnx } from '../../src/onnx/index.js';
import { expectNear } from './compare.js';
import { CASES, drawn, floats, sizeOf } from './models.js';

/** onnxruntime-node of a folder with node_modules; its interface is that of onnxruntime-web. */
export function requireRuntime(folder: string): Pick<typeof Ort, 'InferenceSession' | 'Tensor'> {
  return createRequire(join(folder, 'package.json'))('onnxruntime-node');
}

/** Every network of the tests, exported, says to onnxruntime-node what it says here. */
export function holdsTo(runtime: () => ReturnType<typeof requireRuntime>): void {
  it.each(CASES)('$name', async (one) => {
    const model = drawn(one);
    const { InferenceSession, Tensor } = runtime();
    const session = await InferenceSession.create(exportOnnx(model, { inputShape: one.shape }));
    using predictor = new Predictor(model, { inputShape: one.shape });
    for (const batch of [1, 5]) {
      const images = floats(batch * sizeOf(one.shape));
      const { output } = await session.run({ input: new Tensor('float32', images, [batch, ...one.shape]) });
      expect(output!.dims).toEqual([batch, ...predictor.outputShape]);
      expectNear(predictor.runSync(images), output!.data as Float32Array);
    }
    await session.release();
  });
}
