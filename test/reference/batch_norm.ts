import { functional as F } from '../../src/index.node.js';
import type { Tensor } from '../../src/nn/functional.js';

export interface NormAttributes {
  readonly training: boolean;
  readonly momentum: number;
  readonly eps: number;
}

/** What a golden case of batch normalisation asks for, under the names of its outputs. */
export function batchNorm(
  given: Readonly<Record<string, Tensor | undefined>>,
  attributes: NormAttributes,
): Record<string, Tensor> {
  const { x, gy, weight, bias, running_mean, running_var } = given;
  const copy = ({ data, shape }: Tensor) => ({ data: data.slice(), shape });
  const [mean, variance] = [copy(running_mean!), copy(running_var!)];
  const options = { weight, bias, ...attributes };
  const gradients = F.batchNormBackward(gy!, x!, mean, variance, options);
  const y = F.batchNorm(x!, mean, variance, options);
  return {
    y,
    g_x: gradients.input,
    ...(weight && { g_weight: gradients.weight }),
    ...(bias && { g_bias: gradients.bias }),
    running_mean_after: mean,
    running_var_after: variance,
  };
}

interface Options extends NormAttributes {
  readonly weight?: Tensor;
  readonly bias?: Tensor;
}

/** Values, gradients for the upstream `gy`, and running statistics, by their definitions in float64. */
export function batchNormReference(x: Tensor, gy: Tensor, mean: Tensor, variance: Tensor, options: Options) {
  const { training, momentum, eps } = options;
  const [N, C, ...image] = x.shape as [number, number, ...number[]];
  const area = image.reduce((a, b) => a * b, 1);
  const result = {
    y: new Float64Array(x.data.length),
    input: new Float64Array(x.data.length),
    weight: new Float64Array(C),
    bias: new Float64Array(C),
    mean: Float64Array.from(mean.data),
    variance: Float64Array.from(variance.data),
  };
  for (let c = 0; c < C; c++) {
    const places = Array.from(
      { length: N * area },
      (_, i) => (Math.floor(i / area) * C + c) * area + (i % area),
    );
    const sum = (value: (at: number) => number) => places.reduce((total, at) => total + value(at), 0);
    const count = places.length;
    let centre = mean.data[c]!;
    let spread = variance.data[c]!;
    if (training) {
      centre = sum((at) => x.data[at]!) / count;
      spread = sum((at) => (x.data[at]! - centre) ** 2) / count;
      result.mean[c] = (1 - momentum) * mean.data[c]! + momentum * centre;
      result.variance[c] = (1 - momentum) * variance.data[c]! + (momentum * spread * count) / (count - 1);
    }
    const inverse = 1 / Math.sqrt(spread + eps);
    const weight = options.weight?.data[c] ?? 1;
    const normal = (at: number) => (x.data[at]! - centre) * inverse;
    result.bias[c] = sum((at) => gy.data[at]!);
    result.weight[c] = sum((at) => gy.data[at]! * normal(at));
    for (const at of places) {
      result.y[at] = normal(at) * weight + (options.bias?.data[c] ?? 0);
      const shared = training ? (result.bias[c]! + normal(at) * result.weight[c]!) / count : 0;
      result.input[at] = (gy.data[at]! - shared) * weight * inverse;
    }
  }
  return result;
}
