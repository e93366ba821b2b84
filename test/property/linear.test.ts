import fc from 'fast-check';
import { it } from 'vitest';
import { functional as F, Generator } from '../../src/index.node.js';
import { expectSums } from '../reference/closeness.js';
import * as reference from '../reference/reference.js';
import { channels, hold, random } from './draw.js';

const features = fc.oneof(channels, fc.constantFrom(127, 128, 129, 255, 300, 1568));

/** N images, IN features of each, OUT outputs. */
interface Shape {
  readonly N: number;
  readonly IN: number;
  readonly OUT: number;
}

const few = fc.record({ N: fc.integer({ min: 1, max: 40 }), IN: features, OUT: channels });

/** At and above the number of weights from which layers are cut into panels; more images than a panel takes at a time. */
const many = fc
  .record({
    N: fc.oneof(fc.integer({ min: 1, max: 30 }), fc.constantFrom(256, 257, 300)),
    side: fc.oneof(channels, fc.constantFrom(100, 128, 255, 256, 257, 300)),
    beyond: fc.nat(70),
    turned: fc.boolean(),
  })
  .map(({ N, side, beyond, turned }): Shape => {
    const other = Math.ceil(2 ** 15 / side) + beyond;
    return turned ? { N, IN: side, OUT: other } : { N, IN: other, OUT: side };
  });

it.each([
  ['few', few, 1],
  ['many', many, 0.5],
] as const)(
  'linear of %s weights and its gradients lie within the bound of float64, on shapes drawn at random',
  (_, shape, share) => {
    const property = fc.property(shape, fc.boolean(), fc.nat(), ({ N, IN, OUT }, withBias, seed) => {
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
    });
    hold(property, share);
  },
);
