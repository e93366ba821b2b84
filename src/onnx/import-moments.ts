import { LayerNorm } from '../nn/group_norm.js';
import type { ImportedNode } from './import-node.js';
import { isSame, type MomentValue, type Value } from './value.js';

// (x - mean) / sqrt(mean((x - mean)^2) + eps), node by node: a layer normalisation as files before opset 17 have it.

const next = (value: MomentValue, stage: MomentValue['stage'], eps = value.eps): MomentValue => ({
  ...value,
  stage,
  eps,
});

const numberAt = (value: Value | undefined) =>
  value?.kind === 'constant' && value.constant.size === 1 ? value.constant.floats()[0]! : undefined;

/** The mean over all of an image. */
export function meanOf(node: ImportedNode): MomentValue {
  const value = node.input(0);
  if (value?.kind !== 'moment') return { kind: 'moment', of: node.plain(0), stage: 'mean', eps: 0 };
  if (value.stage !== 'square') throw node.fail(`takes the mean of the ${value.stage} of images`);
  return next(value, 'variance');
}

/** What a node of arithmetic makes of a step of a normalisation; undefined where none of its inputs is one. */
export function readMoment(node: ImportedNode): Value | undefined {
  const [a, b] = [node.input(0), node.input(1)];
  if (a?.kind !== 'moment' && b?.kind !== 'moment') return undefined;
  const [first, second] = [a?.kind === 'moment' ? a : undefined, b?.kind === 'moment' ? b : undefined];
  const steps: Record<string, () => Value | undefined> = {
    Sub: () => {
      const x = a && a.kind !== 'moment' && second?.stage === 'mean' ? node.plain(0) : undefined;
      return x && isSame(x, second!.of) ? next(second!, 'centred') : undefined;
    },
    Pow: () => (first?.stage === 'centred' && numberAt(b) === 2 ? next(first, 'square') : undefined),
    Mul: () => (first?.stage === 'centred' && first === second ? next(first, 'square') : undefined),
    Add: () => {
      const [moment, eps] = first ? [first, numberAt(b)] : [second!, numberAt(a)];
      return moment.stage === 'variance' && eps !== undefined ? next(moment, 'widened', eps) : undefined;
    },
    Sqrt: () => (first?.stage === 'widened' ? next(first, 'deviation') : undefined),
    Div: () => {
      const fits = first?.stage === 'centred' && second?.stage === 'deviation' && isSame(first.of, second.of);
      return fits ? normalised(node, second) : undefined;
    },
  };
  const made = steps[node.type]?.();
  if (!made) throw node.fail(`uses the ${(first ?? second)!.stage} of images other than to normalise them`);
  return made;
}

function normalised(node: ImportedNode, { of, eps }: MomentValue): Value {
  return node.layer(of, () => new LayerNorm(of.symbolic.shape, { eps }));
}
