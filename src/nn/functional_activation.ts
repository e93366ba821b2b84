import { activation, type ActivationAttributes } from '../ops/activation.js';
import { type GELUOptions, geluAttributes, leakyReluAttributes } from './activation.js';
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
