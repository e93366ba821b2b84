import { activation, type ActivationAttributes } from '../ops/activation.js';
import {
  eluAttributes,
  type GELUOptions,
  geluAttributes,
  HARDSWISH,
  hardsigmoidAttributes,
  type HardsigmoidOptions,
  hardtanhAttributes,
  leakyReluAttributes,
  RELU6,
} from './activation.js';
import { backward, features, forward, type Tensor } from './eager.js';

// Of any shape with a batch. A `...Backward` gives the gradient of x for `gradOutput`, the gradient of the result.

/** x where it is positive, `negativeSlope` times x elsewhere, torch.nn.functional.leaky_relu; default 0.01. */
export function leakyRelu(x: Tensor, negativeSlope = 0.01): Tensor {
  return apply('leakyRelu', x, leakyReluAttributes('leakyRelu', negativeSlope));
}

/** The gradient of `leakyRelu`'s input for `gradOutput`, the gradient of its output. */
export function leakyReluBackward(gradOutput: Tensor, x: Tensor, negativeSlope = 0.01): Tensor {
  const where = 'leakyReluBackward';
  return applyBackward(where, gradOutput, x, leakyReluAttributes(where, negativeSlope));
}

/** x times the probability that a standard normal variable is at most x, torch.nn.functional.gelu. */
export function gelu(x: Tensor, options?: GELUOptions): Tensor {
  return apply('gelu', x, geluAttributes('gelu', options));
}

/** The gradient of `gelu`'s input for `gradOutput`, the gradient of its output. */
export function geluBackward(gradOutput: Tensor, x: Tensor, options?: GELUOptions): Tensor {
  return applyBackward('geluBackward', gradOutput, x, geluAttributes('geluBackward', options));
}

/** x / (1 + e^-x), torch.nn.functional.silu. */
export function silu(x: Tensor): Tensor {
  return apply('silu', x, { kind: 'silu' });
}

/** The gradient of `silu`'s input for `gradOutput`, the gradient of its output. */
export function siluBackward(gradOutput: Tensor, x: Tensor): Tensor {
  return applyBackward('siluBackward', gradOutput, x, { kind: 'silu' });
}

/** 1 / (1 + e^-x), torch.sigmoid. */
export function sigmoid(x: Tensor): Tensor {
  return apply('sigmoid', x, { kind: 'sigmoid' });
}

/** The gradient of `sigmoid`'s input for `gradOutput`, the gradient of its output. */
export function sigmoidBackward(gradOutput: Tensor, x: Tensor): Tensor {
  return applyBackward('sigmoidBackward', gradOutput, x, { kind: 'sigmoid' });
}

/** The hyperbolic tangent, torch.tanh. */
export function tanh(x: Tensor): Tensor {
  return apply('tanh', x, { kind: 'tanh' });
}

/** The gradient of `tanh`'s input for `gradOutput`, the gradient of its output. */
export function tanhBackward(gradOutput: Tensor, x: Tensor): Tensor {
  return applyBackward('tanhBackward', gradOutput, x, { kind: 'tanh' });
}

/** x where it is positive, `alpha` (e^x - 1) elsewhere, torch.nn.functional.elu; default 1. */
export function elu(x: Tensor, alpha = 1): Tensor {
  return apply('elu', x, eluAttributes('elu', alpha));
}

/** The gradient of `elu`'s input for `gradOutput`, the gradient of its output. */
export function eluBackward(gradOutput: Tensor, x: Tensor, alpha = 1): Tensor {
  return applyBackward('eluBackward', gradOutput, x, eluAttributes('eluBackward', alpha));
}

/** x from `minVal` to `maxVal`, the nearer of the two beyond, torch.nn.functional.hardtanh; default -1 and 1. */
export function hardtanh(x: Tensor, minVal = -1, maxVal = 1): Tensor {
  return apply('hardtanh', x, hardtanhAttributes('hardtanh', minVal, maxVal));
}

/** The gradient of `hardtanh`'s input for `gradOutput`, the gradient of its output: 0 at the limits. */
export function hardtanhBackward(gradOutput: Tensor, x: Tensor, minVal = -1, maxVal = 1): Tensor {
  const where = 'hardtanhBackward';
  return applyBackward(where, gradOutput, x, hardtanhAttributes(where, minVal, maxVal));
}

/** x from 0 to 6, the nearer of the two beyond, torch.nn.functional.relu6. */
export function relu6(x: Tensor): Tensor {
  return apply('relu6', x, RELU6);
}

/** The gradient of `relu6`'s input for `gradOutput`, the gradient of its output: 0 at the limits. */
export function relu6Backward(gradOutput: Tensor, x: Tensor): Tensor {
  return applyBackward('relu6Backward', gradOutput, x, RELU6);
}

/** x / 6 + 1/2 from -3 to 3, 0 below and 1 above, torch.nn.functional.hardsigmoid. */
export function hardsigmoid(x: Tensor, options?: HardsigmoidOptions): Tensor {
  return apply('hardsigmoid', x, hardsigmoidAttributes('hardsigmoid', options));
}

/** The gradient of `hardsigmoid`'s input for `gradOutput`, the gradient of its output: 0 at the limits. */
export function hardsigmoidBackward(gradOutput: Tensor, x: Tensor, options?: HardsigmoidOptions): Tensor {
  const where = 'hardsigmoidBackward';
  return applyBackward(where, gradOutput, x, hardsigmoidAttributes(where, options));
}

/** x times its `hardsigmoid`, torch.nn.functional.hardswish. */
export function hardswish(x: Tensor): Tensor {
  return apply('hardswish', x, HARDSWISH);
}

/** The gradient of `hardswish`'s input for `gradOutput`, the gradient of its output. */
export function hardswishBackward(gradOutput: Tensor, x: Tensor): Tensor {
  return applyBackward('hardswishBackward', gradOutput, x, HARDSWISH);
}

function apply(where: string, x: Tensor, attributes: ActivationAttributes): Tensor {
  return { ...forward(activation, features(where, x), {}, attributes), shape: x.shape };
}

function applyBackward(
  where: string,
  gradOutput: Tensor,
  x: Tensor,
  attributes: ActivationAttributes,
): Tensor {
  const { input } = backward(activation, features(where, gradOutput), features(where, x), {}, attributes);
  return { ...input, shape: x.shape };
}
