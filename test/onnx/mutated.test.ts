import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Generator, type Module, TwillError } from '../../src/index.node.js';
import { decodeMessage, encodeMessage } from '../../src/io/protobuf.js';
import { importOnnx } from '../../src/onnx/index.js';
import { MODEL, type ModelProto, type NodeProto } from '../../src/onnx/proto.js';
import { outputs } from './compare.js';
import { floats, sizeOf } from './models.js';
import { runOnnx } from './runtime.js';

// PyTorch's files with nodes of theirs changed at random: what is read at all means here what it means to onnxruntime.

const FILES = {
  gated: [2, 6, 5],
  'gated-opset-17': [2, 6, 5],
  residual: [3, 8, 8],
  separable: [3, 9, 8],
  windows: [2, 8, 8],
};
const MUTANTS = 200;

type Pick = <T>(list: readonly T[]) => T;
type Mutation = (node: NodeProto, nodes: readonly NodeProto[], pick: Pick) => Partial<NodeProto>;

const MUTATIONS: readonly Mutation[] = [
  // Another input, an operator of another node, its attributes, an attribute's numbers, inputs the other way round.
  ({ input }, nodes, pick) => {
    const [replaced, other] = [pick(input), pick(nodes.flatMap((one) => [...one.input, ...one.output]))];
    return { input: input.map((name) => (name === replaced ? other : name)) };
  },
  (_node, nodes, pick) => ({ op_type: pick(nodes).op_type }),
  (_node, nodes, pick) => ({ attribute: pick(nodes).attribute }),
  ({ attribute }, _nodes, pick) => {
    const one = pick(attribute);
    const number = () => pick([-1, 0, 1, 2, 3]);
    const changed = { ...one, ...(one?.ints?.length ? { ints: one.ints.map(number) } : { i: number() }) };
    return { attribute: attribute.map((each) => (each === one ? changed : each)) };
  },
  ({ input }) => ({ input: input.toReversed() }),
];

function mutant(whole: Uint8Array, generator: Generator): Uint8Array {
  const file = decodeMessage<ModelProto>(MODEL, whole.slice(), (reason) => new Error(reason));
  const pick: Pick = (list) => list[generator.integer(Math.max(1, list.length))]!;
  const node = [...file.graph!.node];
  for (let left = generator.integer(3); left >= 0; left--) {
    const at = generator.integer(node.length);
    node[at] = { ...node[at]!, ...pick(MUTATIONS)(node[at]!, node, pick) };
  }
  return encodeMessage(MODEL, { ...file, graph: { ...file.graph!, node } });
}

function read(bytes: Uint8Array): Module | undefined {
  try {
    return importOnnx(bytes);
  } catch (error) {
    if (!(error instanceof TwillError)) throw error;
    return undefined;
  }
}

/** What onnxruntime says; undefined where it does not take the file. */
const said = (file: Uint8Array, images: Float32Array, shape: readonly number[]) =>
  runOnnx(file, images, [2, ...shape]).then(
    ({ data }) => data,
    () => undefined,
  );

test.each(Object.entries(FILES))('%s', { timeout: 120_000 }, async (name, shape) => {
  const whole = new Uint8Array(readFileSync(new URL(`../golden/onnx/${name}.onnx`, import.meta.url)));
  const generator = new Generator(21);
  const images = floats(2 * sizeOf(shape));
  let compared = 0;
  for (let run = 0; run < MUTANTS; run++) {
    const bytes = mutant(whole, generator);
    const model = read(bytes);
    const expected = model && (await said(bytes, images, shape));
    if (!expected) continue;
    compared++;
    const actual = outputs(model, shape, images);
    expect(actual.length).toBe(expected.length);
    // Normalisations of what has hardly any variance make rounding large.
    expected.forEach((value, i) => {
      if (!Number.isFinite(value)) return;
      expect(Math.abs(actual[i]! - value), `mutant ${run}`).toBeLessThan(3e-4 * Math.max(1, Math.abs(value)));
    });
  }
  expect(compared).toBeGreaterThan(MUTANTS / 8);
});
