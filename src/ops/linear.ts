import { ShapeError } from '../errors.js';
import { emitPanels, emitPanelsBackward, inPanels } from './linear_panel.js';
import { formatShape, type NodeView, type Op, sizeOf } from './op.js';
import { PLAIN } from './packing.js';
import { type TakesNorm, weightAndBias } from './weight_and_bias.js';

/** x W^T + b with weight [OUT][IN], torch.nn.functional.linear. */
export const linear: Op<TakesNorm> = {
  name: 'linear',
  plain: () => true,
  takesNorm: true,

  infer(where, inputs, parameters) {
    const shape = inputs[0]!.shape;
    const weight = parameters.weight!;
    const bias = parameters.bias;
    if (weight.length !== 2) {
      throw new ShapeError(`[${where}] expected a weight of OUT x IN but got ${formatShape(weight)}`);
    }
    const [OUT, IN] = weight as [number, number];
    if (shape.length !== 1) {
      throw new ShapeError(
        `[${where}] expected ${IN} features an image (weight ${formatShape(weight)}) but got ${formatShape(shape)}: flatten it first`,
      );
    }
    if (shape[0] !== IN) {
      throw new ShapeError(
        `[${where}] expected ${IN} features (weight ${formatShape(weight)}) but got ${shape[0]}`,
      );
    }
    if (bias && (bias.length !== 1 || bias[0] !== OUT)) {
      throw new ShapeError(
        `[${where}] expected a bias of ${OUT} (weight ${formatShape(weight)}) but got ${formatShape(bias)}`,
      );
    }
    return { shape: [OUT] };
  },

  packing: (parameter, { inputs }) =>
    parameter === 'weight' ? { kind: 'linear', flattened: inputs[0]!.flattened } : PLAIN,

  wholeGradients: (node) => (inPanels(linearParams(node)) ? ['weight'] : []),

  flops: ({ inputs, output }) => 2 * sizeOf(inputs[0]!) * sizeOf(output),

  forward(emit, node) {
    const params = linearParams(node);
    const layout = { groups: 1, rows: params.IN, OC: params.OUT };
    const parameters = weightAndBias(emit, node.attributes, layout);
    if (inPanels(params)) return emitPanels(emit, params, parameters);
    emit.call('linear_forward', params, { x: emit.input(0), ...parameters, y: emit.output() });
  },

  backward(emit, node) {
    const params = linearParams(node);
    if (inPanels(params)) return emitPanelsBackward(emit, params);
    const gradWeight = emit.gradParameter('weight');
    const gradInput = emit.gradInput(0);
    if (gradWeight) {
      emit.call('linear_backward_weight', params, {
        x: emit.input(0),
        grad_output: emit.gradOutput(),
        grad_weight: gradWeight,
        grad_bias: emit.gradParameter('bias'),
      });
    }
    if (gradInput) {
      emit.call('linear_backward_input', params, {
        grad_output: emit.gradOutput(),
        weight_t: emit.transposed('weight', { groups: 1, taps: 1, IC: params.IN, OC: params.OUT }),
        grad_input: gradInput,
      });
    }
  },
};

function linearParams({ inputs, output }: NodeView<unknown>) {
  return { IN: sizeOf(inputs[0]!), OUT: sizeOf(output) };
}
