import fc from 'fast-check';
import { it } from 'vitest';
import { functional as F, Generator } from '../../src/index.node.js';
import { expectSums } from '../reference/closeness.js';
import * as reference from '../reference/reference.js';
import { channels, hold, random } from './draw.js';

const features = fc.oneof(channels, fc.constantFrom(127, 128, 129, 255, 300, 1568));

it('linear and its gradients lie within the bound of float64, on shapes drawn at random', () => {
  const property = fc.property(
    fc.integer({ min: 1, max: 40 }),
    features,
    channels,
    fc.boolean(),
    fc.nat(),
    (N, IN, OUT, withBias, seed) => {
      const generator = new Generator(seed);
      const x = random(generator, [N, IN]);
      const weight = random(generator, [OUT, IN]);
      const bias = withBias ? random(generator, [OUT]) : null;
      const gradOutput = random(generator, [N, OUT]);
      const zero = new Float32Array(OUT);
      const y = F.linear(x, weight, bias);
      expectSums(y.data, reference.linear(x.data, weight.data, bias?.data ?? zero, OUT), 'y');
      const ours = F.linearBackward(gradOutput, x, weight);
      const theirs = reference.linearBackward(gradOutput.data, x.data, weight.data, OUT);
      expectSums(ours.input.data, theirs.input, 'gradient of the input');
      expectSums(ours.weight.data, theirs.weight, 'gradient of the weight');
      expectSums(ours.bias.data, theirs.bias, 'gradient of the bias');
    },
  );
  hold(property);
});
