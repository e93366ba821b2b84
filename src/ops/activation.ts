import { floatBits, type NodeView, type Op, sizeOf } from './op.js';

/** In the order of native/kernels/activation.cc; with the operations a float, an exponential being one. */
const KINDS = [
  ['leaky_relu', 2],
  ['gelu', 5],
  ['gelu_tanh', 9],
  ['silu', 5],
  ['sigmoid', 4],
  ['tanh', 5],
] as const;

export interface ActivationAttributes {
  readonly kind: (typeof KINDS)[number][0];
  /** Of the leaky ReLU, below zero. */
  readonly slope?: number;
}

/** What takes each value by itself, torch.nn.functional's `leaky_relu`, `gelu`, `silu`, `sigmoid` and `tanh`. */
export const activation: Op<ActivationAttributes> = {
  name: 'activation',
  infer: (_where, inputs) => inputs[0]!,
  flops: ({ output, attributes }) => sizeOf(output) * KINDS[numberOf(attributes)]![1],

  forward(emit, node) {
    emit.call('activation_forward', activationParams(node), { x: emit.input(0), y: emit.output() });
  },

  backward(emit, node) {
    const gradInput = emit.gradInput(0);
    if (!gradInput) return;
    const { kind } = node.attributes;
    emit.call('activation_backward', activationParams(node), {
      value: kind === 'sigmoid' || kind === 'tanh' ? emit.output() : emit.input(0),
      grad_output: emit.gradOutput(),
      grad_input: gradInput,
    });
  },
};

function numberOf({ kind }: ActivationAttributes): number {
  return KINDS.findIndex(([name]) => name === kind);
}

function activationParams({ output, attributes }: NodeView<ActivationAttributes>) {
  return { size: sizeOf(output), kind: numberOf(attributes), slope: floatBits(attributes.slope ?? 0) };
}
