import { OptionError, ShapeError } from '../errors.js';
import { type SymbolicTensor, type TracedGraph, trace } from '../graph/graph.js';
import { ModuleBuffer, Parameter } from '../graph/parameter.js';
import { Module } from '../nn/module.js';
import { formatShape, type Op } from '../ops/op.js';
import type { GraphData, ModelData, NodeData } from './graph-data.js';
import { OPS } from './registry.js';

const OP_BY_NAME: ReadonlyMap<string, Op> = new Map(OPS.map((op) => [op.name, op]));

/** A model made of what another one recorded: every op infers its shapes again, so that it is checked as it was. */
export class Replay extends Module {
  readonly #graphs: readonly GraphData[];
  readonly #parameters: ReadonlyMap<string, Parameter>;
  readonly #list: readonly Parameter[];
  /** What stands for the modules that applied the ops, by node. */
  readonly #owners = new Map<NodeData, object>();

  /** Throws `OptionError` for an op that is not known here. */
  constructor({ graphs, parameters }: ModelData) {
    super();
    this.#graphs = graphs;
    this.#list = parameters.map(({ shape, requiresGrad, buffer, values }) => {
      const parameter = buffer ? new ModuleBuffer(shape, values, buffer) : new Parameter(shape, values);
      parameter.requiresGrad = requiresGrad;
      return parameter;
    });
    this.#parameters = new Map(parameters.map(({ path }, index) => [path, this.#list[index]!]));
    for (const node of graphs.flatMap(({ nodes }) => nodes)) {
      if (!OP_BY_NAME.has(node.op)) {
        throw new OptionError(
          `[TrainingWorker] the worker does not know the op ${node.op} (of ${node.name})`,
        );
      }
      if (node.name !== node.op) this.#owners.set(node, {});
    }
  }

  override *namedState(): Generator<[string, Parameter]> {
    yield* this.#parameters;
  }

  override trace(shape: readonly number[]): TracedGraph {
    const names = new Map([...this.#owners].map(([{ name }, owner]): [object, string] => [owner, name]));
    return trace((x) => this.forward(x), shape, names);
  }

  forward(x: SymbolicTensor): SymbolicTensor {
    const graph = this.#graphs.find(({ inputShape }) => formatShape(inputShape) === formatShape(x.shape));
    if (!graph) {
      const known = this.#graphs.map(({ inputShape }) => formatShape(inputShape)).join(', ');
      throw new ShapeError(`[TrainingWorker] expected images of ${known} but got ${formatShape(x.shape)}`);
    }
    const tensors = [x];
    for (const node of graph.nodes) tensors.push(this.#apply(node, tensors));
    return tensors[graph.output]!;
  }

  /** Copies of all values, in the order in which they came. */
  read(): Float32Array[] {
    return this.#list.map((parameter) => parameter.read());
  }

  write(values: readonly Float32Array[]): void {
    this.#list.forEach((parameter, index) => parameter.write(values[index]!));
  }

  #apply(node: NodeData, tensors: readonly SymbolicTensor[]): SymbolicTensor {
    const output = tensors[0]!.graph.apply(
      OP_BY_NAME.get(node.op)!,
      node.inputs.map((index) => tensors[index]!),
      Object.fromEntries(Object.entries(node.parameters).map(([key, index]) => [key, this.#list[index]])),
      node.attributes,
      this.#owners.get(node),
    );
    if (formatShape(output.shape) !== formatShape(node.shape)) {
      throw new ShapeError(
        `[TrainingWorker] ${node.name} gives ${formatShape(output.shape)} in the worker but ` +
          `${formatShape(node.shape)} outside: they run different versions of twill`,
      );
    }
    return output;
  }
}
