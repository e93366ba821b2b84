import { Parameter } from '../graph/parameter.js';
import { defaultGenerator, type Generator } from '../random.js';

/**
 * PyTorch's default for convolutions and linear layers: weight and bias from U(-1/sqrt(fanIn), 1/sqrt(fanIn))
 * (kaiming_uniform with a = sqrt(5) comes to that). Drawn in the order of elements, weight before bias.
 */
export function uniformFanIn(
  shape: readonly number[],
  fanIn: number,
  generator: Generator = defaultGenerator(),
): Parameter {
  const bound = 1 / Math.sqrt(fanIn);
  const size = shape.reduce((product, one) => product * one, 1);
  return new Parameter(
    shape,
    Float32Array.from({ length: size }, () => generator.uniform(-bound, bound)),
  );
}
