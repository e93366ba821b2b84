import { describe, expect, it } from 'vitest';
import {
  AdaptiveAvgPool2d,
  AvgPool2d,
  ConstantPad2d,
  Conv2d,
  ConvTranspose2d,
  Flatten,
  functional as F,
  Generator,
  GroupNorm,
  InstanceNorm2d,
  LayerNorm,
  MaxPool2d,
  type Module,
  OptionError,
  ReflectionPad2d,
  Sequential,
  ShapeError,
  Unflatten,
  ZeroPad2d,
} from '../../src/index.node.js';
import { Applied } from '../support.js';

const shapeOf = (module: Module, shape: readonly number[]) => module.trace(shape).output.shape;

describe('shapes', () => {
  it('are PyTorch’s', () => {
    expect(shapeOf(new AvgPool2d(3, { stride: 2, ceilMode: true }), [4, 8, 9])).toEqual([4, 4, 4]);
    expect(shapeOf(new AdaptiveAvgPool2d(1), [4, 8, 9])).toEqual([4, 1, 1]);
    expect(shapeOf(new AdaptiveAvgPool2d([null, 3]), [4, 8, 9])).toEqual([4, 8, 3]);
    expect(shapeOf(new ZeroPad2d([1, 2, 3, 4]), [4, 8, 9])).toEqual([4, 15, 12]);
    const options = { stride: 2, padding: 1, outputPadding: 1 };
    expect(shapeOf(new ConvTranspose2d(4, 6, 3, options), [4, 7, 7])).toEqual([6, 14, 14]);
    expect(shapeOf(new Unflatten(1, [2, -1, 3]), [24])).toEqual([2, 4, 3]);
    const joined = new Applied((x) => x.concat(new Conv2d(4, 6, 1).forward(x), x));
    expect(shapeOf(joined, [4, 5, 5])).toEqual([14, 5, 5]);
    expect(shapeOf(new Applied((x) => x.reshape([-1])), [4, 5, 5])).toEqual([100]);
  });

  it('that do not fit are named with their numbers', () => {
    const cases: [() => unknown, string][] = [
      [
        () => new Sequential(new AvgPool2d(5)).trace([2, 4, 6]),
        '[avg_pool2d 0] the window of 5x5 pixels is larger than the padded image of 4x6',
      ],
      [
        () => new Sequential(new MaxPool2d(5)).trace([2, 4, 6]),
        '[max_pool2d 0] the window reaches over 5x5 pixels but the padded image has 4x6',
      ],
      [() => new AdaptiveAvgPool2d(2).trace([8]), '[avg_pool2d] expected images of C x H x W but got 8'],
      [
        () => F.concat([F.tensor([1, 2, 3, 4], [1, 1, 2, 2]), F.tensor([1, 2], [1, 2, 1, 1])]),
        '[concat] expected tensors that differ in their channels alone but got 1x2x2 and 2x1x1',
      ],
      [
        () => new Applied((x) => x.flatten().concat(x.flatten())).trace([2, 3, 3]),
        '[concat] expected features but got those of flattened images (2x3x3): concatenate before flattening',
      ],
      [
        () => new Sequential(new Unflatten(1, [2, 3, 4])).trace([25]),
        '[reshape 0] expected C x H x W, or a number of features, that hold the 25 values of 25 but got 2x3x4',
      ],
      [
        () => new Applied((x) => x.reshape([6, 4])).trace([24]),
        '[reshape] expected C x H x W, or a number of features, that hold the 24 values of 24 but got 6x4',
      ],
      [
        () => new ReflectionPad2d([0, 4, 0, 0]).trace([1, 4, 4]),
        '[pad2d] a mirrored padding of 0, 4, 0, 0 (left, right, top, bottom) has to be less than the image, ' +
          'which is 4x4 pixels',
      ],
      [
        () => new ZeroPad2d([-3, 9, 0, 0]).trace([1, 3, 3]),
        '[pad2d] a padding of -3, 9, 0, 0 (left, right, top, bottom) leaves nothing of an image of 3x3',
      ],
      [
        () => F.groupNorm(F.tensor([1, 2, 3], [1, 3, 1, 1]), 2),
        '[group_norm] 3 channels do not divide into 2 groups',
      ],
      [() => new GroupNorm(2, 6).trace([4, 2, 2]), '[group_norm] expected a weight of 4 but got 6'],
      [
        () => new Sequential(new Flatten(), new GroupNorm(2, 8)).trace([2, 2, 2]),
        '[group_norm 1] expected features but got those of flattened images (2x2x2): normalise before flattening',
      ],
      [
        () => new LayerNorm([3, 4, 4]).trace([3, 4, 5]),
        '[group_norm] expected images, or features, of the normalised shape 3x4x4 but got 3x4x5: ' +
          'a layer normalisation takes all of an image',
      ],
      [
        () => new InstanceNorm2d(3).trace([3, 1, 1]),
        '[group_norm] expected more than one pixel a channel but got 3x1x1',
      ],
      [
        () => new ConvTranspose2d(3, 4, 3).trace([4, 5, 5]),
        '[conv_transpose2d] expected 3 input channels (weight 3x4x3x3) but got 4',
      ],
      [
        () => new ConvTranspose2d(3, 4, 2, { padding: 3 }).trace([3, 4, 5]),
        '[conv_transpose2d] a padding of 3x3 leaves -1x0 pixels of an image of 4x5',
      ],
    ];
    for (const [run, message] of cases) expect(run).toThrow(new ShapeError(message));
  });
});

describe('options', () => {
  it('that make no sense are refused', () => {
    const cases: [() => unknown, string][] = [
      [
        () => new AvgPool2d(3, { padding: 2 }),
        '[AvgPool2d] padding may be at most half of the kernel (3x3) but is 2',
      ],
      [
        () => new AvgPool2d(3, { divisorOverride: 0 }),
        '[AvgPool2d] divisorOverride must be a whole number from 1 to 2147483647 but is 0',
      ],
      [
        () => new AdaptiveAvgPool2d([1, 2, 3] as never),
        '[AdaptiveAvgPool2d] outputSize must be one number or [height, width] but is [1, 2, 3]',
      ],
      [
        () => new ZeroPad2d([1, 2] as never),
        '[ZeroPad2d] padding must be one number or [left, right, top, bottom] but is [1, 2]',
      ],
      [() => new ConstantPad2d(1, Number.NaN), '[ConstantPad2d] value must be a finite number but is NaN'],
      [() => new GroupNorm(3, 8), '[GroupNorm] 8 channels do not divide into 3 groups'],
      [
        () => new LayerNorm([4, 4]),
        '[LayerNorm] normalizedShape must be all of an image, [C, H, W] or a number of features, but is [4, 4]: ' +
          'over height and width alone normalises InstanceNorm2d, without affine',
      ],
      [
        () => new ConvTranspose2d(4, 4, 3, { stride: 2, outputPadding: 2 }),
        '[ConvTranspose2d] outputPadding must be less than the stride (2x2) or the dilation (1x1) but is 2x2',
      ],
      [
        () => new ConvTranspose2d(4, 4, 3, { stride: [3, 1], dilation: [1, 4], outputPadding: [3, 3] }),
        '[ConvTranspose2d] outputPadding must be less than the stride (3x1) or the dilation (1x4) but is 3x3',
      ],
      [
        () => new ConvTranspose2d(4, 6, 3, { groups: 4 }),
        '[ConvTranspose2d] 4 and 6 channels do not both divide into 4 groups',
      ],
      [() => new Unflatten(2 as never, [1, 2, 3]), '[Unflatten] dim must be 1, the features, but is 2'],
      [
        () => new Unflatten(1, [-1, 2, -1]),
        '[Unflatten] unflattenedSize must be [C, H, W], at most one of them -1, but is [-1, 2, -1]',
      ],
      [() => F.concat([]), '[concat] expected an array of tensors but got []'],
    ];
    for (const [run, message] of cases) expect(run).toThrow(new OptionError(message));
  });
});

describe('first weights', () => {
  it('of a transposed convolution are PyTorch’s: uniform by the second dimension of the weight', () => {
    const layer = new ConvTranspose2d(64, 32, 3, { groups: 2, generator: new Generator(1) });
    expect(layer.weight.shape).toEqual([64, 16, 3, 3]);
    const bound = 1 / Math.sqrt(16 * 3 * 3);
    for (const { values } of [layer.weight, layer.bias!].map((one) => ({ values: one.read() }))) {
      const largest = values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
      expect(largest).toBeLessThanOrEqual(bound);
      expect(largest).toBeGreaterThan(0.8 * bound);
    }
    const drawn = new Generator(1);
    expect(layer.weight.read()).toEqual(
      Float32Array.from({ length: layer.weight.size }, () => drawn.uniform(-bound, bound)),
    );
  });

  it('of normalisations are ones and zeros', () => {
    const keys = [...new LayerNorm([2, 1, 1]).stateDict()].map(([key, { data }]) => [key, [...data]]);
    expect(keys).toEqual([
      ['weight', [1, 1]],
      ['bias', [0, 0]],
    ]);
    expect(new InstanceNorm2d(3).parameters()).toEqual([]);
    expect(new GroupNorm(1, 3, { affine: false }).parameters()).toEqual([]);
    expect(new LayerNorm(3, { elementwiseAffine: false }).parameters()).toEqual([]);
  });
});
