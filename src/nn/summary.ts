import type { Backend } from '../backend/backend.js';
import { setsWith } from '../backend/kernel_sets.js';
import { fuse } from '../graph/fuse.js';
import type { GraphNode, TracedGraph } from '../graph/graph.js';
import { kernelsFor } from '../graph/kernels.js';
import { measure, type MemoryNeeds } from '../graph/measure.js';
import { ModuleBuffer, type Parameter } from '../graph/parameter.js';
import type { Loss } from '../graph/request.js';
import { HYPER_FLOATS, type UpdateRequest } from '../graph/update.js';
import { crossEntropy } from '../ops/cross_entropy.js';
import { formatShape } from '../ops/op.js';

/**
 * The table that `Module.summary` prints. With a backend it ends in the planned memory of a training step (SGD
 * without momentum) and of inference.
 */
export function summarise(
  traced: TracedGraph,
  parameters: readonly Parameter[],
  batchSize: number,
  backend: Backend | undefined,
): string {
  const counted = new Set<Parameter>();
  const rows = traced.graph.nodes.map((node) => [
    node.name,
    node.op.name,
    formatShape(node.output.shape),
    thousands(sizesOf(node, counted)),
    thousands(node.op.flops(node)),
  ]);
  const input = formatShape(traced.graph.input.shape);
  const table = align([
    ['layer', 'op', 'output', 'parameters', 'FLOPs'],
    ['(input)', '', input, '', ''],
    ...rows,
  ]);
  const total = parameters.reduce((sum, { size }) => sum + size, 0);
  const trainable = parameters.reduce((sum, { size, requiresGrad }) => sum + (requiresGrad ? size : 0), 0);
  const flops = traced.graph.nodes.reduce((sum, node) => sum + node.op.flops(node), 0);
  const lines = [
    ...table,
    '',
    `parameters    ${thousands(total)} (${thousands(trainable)} trainable, ${bytes(total * 4)})`,
    `arithmetic    ${thousands(flops)} FLOPs an image, forward`,
    ...(backend ? memoryLines(traced, batchSize, backend) : []),
    `fused         ${fusedLine(traced)}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** As far as the backend has the kernels. */
function memoryLines(traced: TracedGraph, batchSize: number, backend: Backend): string[] {
  const lines: string[] = [];
  const { kernels = 'all' } = backend.info();
  const has = (loss?: Loss) => setsWith(kernelsFor(traced, loss)).includes(kernels);
  const classifies = traced.output.shape.length === 1 && !traced.output.spec.flattened;
  if (classifies && has(LOSS)) {
    lines.push(memoryLine('training', trainingNeeds(traced, batchSize, backend), batchSize, backend));
  }
  if (!has()) return lines;
  const inference = measure(traced, { backend, capacity: batchSize, input: 'uint8' });
  lines.push(memoryLine('inference', inference, batchSize, backend));
  return lines;
}

const LOSS: Loss = { op: crossEntropy(), reduction: 'mean' };

/** What training steps of a classifier take, by SGD without momentum, from images that are bytes. */
export function trainingNeeds(traced: TracedGraph, batchSize: number, backend: Backend): MemoryNeeds {
  // The optimizer's own would bring all of it into every bundle.
  const emit: UpdateRequest['emit'] = ({ ranges, numbers, call }) => {
    const hyper = numbers('hyper', HYPER_FLOATS * ranges.length);
    ranges.forEach(({ count, parameters: parameter, gradients: gradient }, i) =>
      call('sgd_update', { count }, { parameter, gradient, hyper: hyper(HYPER_FLOATS * i, HYPER_FLOATS) }),
    );
  };
  const state = () => undefined as never;
  return measure(traced, {
    backend,
    capacity: batchSize,
    input: 'uint8',
    loss: LOSS,
    gradients: 'parameters',
    output: false,
    update: { emit, state },
  });
}

function memoryLine(what: string, needs: MemoryNeeds, batch: number, backend: Backend): string {
  const { threads } = backend.info();
  const sum = bytes(needs.parameters + needs.program);
  const on = `${backend.name}, ${threads} ${threads === 1 ? 'thread' : 'threads'}, batch ${batch}`;
  return `${what.padEnd(12)}  ${sum} (${bytes(needs.parameters)} parameters, ${bytes(needs.program)} working memory; ${on})`;
}

/** What runs as one op: `conv2d_pool cnn1 + relu1 + maxpool1`. */
function fusedLine(traced: TracedGraph): string {
  const before = traced.graph.nodes.length;
  const after = fuse(traced).length;
  return before === after ? 'nothing' : `${before} layers run as ${after}`;
}

/** Parameters of a node, buffers not among them, that no earlier row counted. */
function sizesOf(node: GraphNode, counted: Set<Parameter>): number {
  let sum = 0;
  for (const parameter of Object.values(node.parameters)) {
    if (!counted.has(parameter) && !(parameter instanceof ModuleBuffer)) sum += parameter.size;
    counted.add(parameter);
  }
  return sum;
}

/** Columns side by side, numbers to the right, with a rule below the head. */
function align(rows: readonly string[][]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (column < 3 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd(),
  );
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [lines[0]!, rule, ...lines.slice(1)];
}

function thousands(value: number): string {
  return value.toLocaleString('en-US');
}

function bytes(value: number): string {
  if (value < 1024) return `${value} B`;
  if (value < 1024 ** 2) return `${(value / 1024).toFixed(1)} KiB`;
  return `${(value / 1024 ** 2).toFixed(1)} MiB`;
}
