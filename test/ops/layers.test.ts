import { describe, expect, it } from 'vitest';
import { functional as F } from '../../src/index.node.js';
import type { Tensor } from '../../src/nn/functional.js';
import { activation } from '../reference/activation.js';
import { batchNorm } from '../reference/batch_norm.js';
import { expectWithin } from '../reference/closeness.js';
import { goldenBound, goldenLayers, type LayerCase } from '../reference/golden.js';

const { index, tensors } = goldenLayers();

type Given = Readonly<Record<string, Tensor | undefined>>;

/** What a case's op gives, under the names of its outputs. */
const RUN: Record<string, (given: Given, attrs: never) => Record<string, Tensor>> = {
  activation,
  batch_norm: batchNorm,
  mul({ x, other, gy }) {
    const [ofX, ofOther] = F.mulBackward(gy!, x!, other!);
    return { y: F.mul(x!, other!), g_x: ofX, g_other: ofOther };
  },
  softmax: ({ x, gy }, { kind }: { kind: 'softmax' | 'logSoftmax' }) => ({
    y: F[kind](x!),
    g_x: F[`${kind}Backward`](gy!, x!),
  }),
  loss,
};

interface LossAttributes {
  readonly kind: 'crossEntropy' | 'nllLoss' | 'mseLoss' | 'binaryCrossEntropyWithLogits';
  readonly options: object;
}

function loss({ x, target }: Given, { kind, options }: LossAttributes): Record<string, Tensor> {
  const compare: (x: Tensor, target: never, options: object) => F.LossResult = F[kind];
  const labels = kind === 'crossEntropy' || kind === 'nllLoss';
  const result = compare(x!, (labels ? target!.data : target) as never, options);
  return { y: { data: Float32Array.of(result.loss), shape: [] }, g_x: result.gradInput };
}

describe("every case of PyTorch's numbers for", () => {
  it.each(index.cases.map((one): [string, LayerCase] => [one.name, one]))('%s', (name, one) => {
    const given = Object.fromEntries(
      [...one.inputs, 'target'].map((key) => [key, tensors.get(`${name}/${key}`)]),
    );
    const ours = RUN[one.op]!(given, one.attrs as never);
    for (const [key, entry] of Object.entries(one.outputs)) {
      const theirs = tensors.get(`${name}/${key}`)!;
      expect(ours[key]!.shape, key).toEqual(theirs.shape);
      expectWithin(ours[key]!.data, theirs.data, goldenBound(entry, theirs.data), `${name} ${key}`);
    }
  });
});
