import { type Emitter, type Op, sizeOf, type TensorSpec } from './op.js';

/** max(x, 0); NaN stays NaN, as torch.relu. */
export const relu: Op<Record<string, never>> = {
  name: 'relu',
  plain: () => true,
  foldInto: ({ op }) => (op.takesRelu ? { attributes: { relu: true } } : undefined),
  infer: (_where, inputs) => inputs[0]!,
  flops: ({ output }) => sizeOf(output),
  forward(emit, { output }) {
    emit.call('relu_forward', { size: sizeOf(output) }, { x: emit.input(0), y: emit.output() });
  },
  backward(emit, { output }) {
    const gradInput = emit.gradInput(0);
    if (!gradInput) return;
    emit.call(
      'relu_backward',
      { size: sizeOf(output) },
      { y: emit.output(), grad_output: emit.gradOutput(), grad_input: gradInput },
    );
  },
};

/** Cuts the upstream gradient in place, for ops that end in a fused ReLU. */
export function reluBackward(emit: Emitter, output: TensorSpec): void {
  const grad = emit.gradOutput();
  emit.call(
    'relu_backward',
    { size: sizeOf(output) },
    { y: emit.output(), grad_output: grad, grad_input: grad },
  );
}
