import { ShapeError } from '../errors.js';
import {
  type Buffer,
  type Emitter,
  formatShape,
  type NodeView,
  type Op,
  pixelOrder,
  sameOrder,
  sizeOf,
  type TensorSpec,
} from './op.js';

export interface ReshapeAttributes {
  /** One image's, [C, H, W] or [features]; -1 for what is left, once. */
  readonly shape: readonly number[];
}

/**
 * The same values in PyTorch's order seen with another shape, torch.reshape. Nothing is moved where they lie as they
 * would in the new shape: that of features, and images of one channel or one pixel.
 */
export const reshape: Op<ReshapeAttributes> = {
  name: 'reshape',
  plain: () => true,

  alias: ({ inputs, output }) => sameOrder(inputs[0]!, output),

  infer(where, inputs, _parameters, { shape }) {
    const [input] = inputs as [TensorSpec];
    const size = sizeOf(input);
    const known = shape.reduce((product, one) => product * (one === -1 ? 1 : one), 1);
    const result = shape.map((one) => (one === -1 ? size / known : one));
    const fits =
      sizeOf({ shape: result }) === size && result.every((one) => Number.isSafeInteger(one) && one > 0);
    if (!fits || ![1, 3].includes(result.length)) {
      throw new ShapeError(
        `[${where}] expected C x H x W, or a number of features, that hold the ${size} values of ` +
          `${formatShape(input.shape)} but got ${formatShape(shape)}`,
      );
    }
    return result.length === 3 ? { shape: result } : { shape: result, flattened: pixelOrder(input) };
  },

  flops: () => 0,

  forward(emit, { inputs, output }) {
    permute(emit, { from: inputs[0]!, values: emit.input(0), to: output, target: emit.output() });
  },

  backward(emit, { inputs, output }: NodeView<ReshapeAttributes>) {
    const target = emit.gradInput(0);
    if (target) permute(emit, { from: output, values: emit.gradOutput(), to: inputs[0]!, target });
  },
};

type Image = readonly [number, number, number];

/** To planes, PyTorch's order, and from there to pixels, as far as needed. */
function permute(
  emit: Emitter,
  { from, values, to, target }: { from: TensorSpec; values: Buffer; to: TensorSpec; target: Buffer },
): void {
  const [before, after] = [pixelOrder(from), pixelOrder(to)];
  const planes = before && after ? emit.temporary(sizeOf(from) * Float32Array.BYTES_PER_ELEMENT) : undefined;
  const params = ([C, H, W]: Image) => ({ C, H, W, u8: 0, flush: 0 });
  if (before) emit.call('export_images', params(before), { values, target: planes ?? target });
  if (after) emit.call('import_images', params(after), { source: planes ?? values, values: target });
}
