import { floatBits, type NodeView, type Op, sizeOf } from './op.js';

/** In the order of native/kernels/activation.cc; with the operations a float, an exponential being one. */
const KINDS = [
  ['leaky_relu', 2],
  ['gelu', 5],
  ['gelu_tanh', 9],
  ['silu', 5],
  ['sigmoid', 4],
  ['tanh', 5],
  ['elu', 4],
  ['hardtanh', 2],
  ['hardsigmoid', 4],
  ['hardswish', 5],
] as const;

export interface ActivationAttributes {
  readonly kind: (typeof KINDS)[number][0];
  /** Of the leaky ReLU, below zero; ELU's alpha. */
  readonly slope?: number;
  /** Hardtanh's limits; where a hard sigmoid (that of a Hardswish, too) leaves 0 and reaches 1. */
  readonly low?: number;
  readonly high?: number;
}

/** What takes each value by itself: torch.nn.functional's `leaky_relu`, `gelu`, `silu`, `elu`, `hardtanh` and so on. */
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
  const { slope = 0, low = 0, high = 0 } = attributes;
  return {
    size: sizeOf(output),
    kind: numberOf(attributes),
    slope: floatBits(slope),
    low: floatBits(low),
    high: floatBits(high),
  };
}
