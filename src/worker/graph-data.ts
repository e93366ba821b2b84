import { OptionError } from '../errors.js';
import type { SymbolicTensor, TracedGraph } from '../graph/graph.js';
import { ModuleBuffer, type Parameter, type StateDtype } from '../graph/parameter.js';
import { Module } from '../nn/module.js';
import { show } from '../options.js';

/** An application of an op. Tensors are numbered: 0 is the graph's input, n + 1 what node n gives. */
export interface NodeData {
  readonly op: string;
  /** The path of the module that applied it, or the op's name. */
  readonly name: string;
  readonly inputs: readonly number[];
  /** Numbers in the list of the model's parameters. */
  readonly parameters: Readonly<Record<string, number>>;
  readonly attributes: unknown;
  /** Shape of what it gives, to be found again where the graph is replayed. */
  readonly shape: readonly number[];
}

/** What `forward` recorded on an image of `inputShape`. */
export interface GraphData {
  readonly inputShape: readonly number[];
  readonly nodes: readonly NodeData[];
  /** Number of the tensor that `forward` returned. */
  readonly output: number;
}

export interface ParameterData {
  readonly path: string;
  readonly shape: readonly number[];
  readonly requiresGrad: boolean;
  /** Where it is one, what a file holds its values as. */
  readonly buffer: StateDtype | undefined;
  readonly values: Float32Array;
}

/** A model as data: its code stays behind, what the code recorded travels. */
export interface ModelData {
  /** One for each shape of images that it is to take. */
  readonly graphs: readonly GraphData[];
  readonly parameters: readonly ParameterData[];
}

/** A model whose twin is in a worker: holds which parameters travel, and which values the twin has. */
export class LinkedModel {
  readonly #graphs: readonly GraphData[];
  readonly #parameters: readonly Parameter[];
  readonly #paths: ReadonlyMap<Parameter, string>;
  #versions: readonly number[] = [];

  /** Traces the model for images of each of `shapes`. Throws `ShapeError` where one does not fit. */
  constructor(model: Module, shapes: readonly (readonly number[])[]) {
    if (!(model instanceof Module)) {
      throw new OptionError(`[TrainingWorker] expected a model but got ${show(model)}`);
    }
    const parameters = new Map<Parameter, number>();
    const numberOf = (parameter: Parameter) => {
      if (!parameters.has(parameter)) parameters.set(parameter, parameters.size);
      return parameters.get(parameter)!;
    };
    const distinct = new Map(shapes.map((shape) => [shape.join('x'), shape]));
    const traced = [...distinct.values()].map((shape) => ({ shape, trace: model.trace(shape) }));
    const nodes = traced.flatMap(({ trace }) => trace.graph.nodes);
    const used = new Set(nodes.flatMap(({ parameters: own }) => Object.values(own)));
    // In the model's order, so that the twin's state has it, too.
    for (const [, parameter] of model.namedState()) if (used.has(parameter)) numberOf(parameter);
    this.#graphs = traced.map(({ shape, trace }) => encodeGraph(trace, shape, numberOf));
    this.#parameters = [...parameters.keys()];
    this.#paths = new Map([...model.namedState()].map(([path, parameter]) => [parameter, path]));
  }

  /** The model with copies of its values, which go with the message. */
  data(): ModelData {
    const parameters = this.#parameters.map((parameter, index) => ({
      path: this.#paths.get(parameter) ?? `parameter ${index}`,
      shape: parameter.shape,
      requiresGrad: parameter.requiresGrad,
      buffer: parameter instanceof ModuleBuffer ? parameter.dtype : undefined,
      values: parameter.read(),
    }));
    this.#remember();
    return { graphs: this.#graphs, parameters };
  }

  /** All values, where one was written on this side since the twin had them. */
  changes(): Float32Array[] | undefined {
    const same = this.#parameters.every(({ version }, index) => version === this.#versions[index]);
    if (same) return undefined;
    this.#remember();
    return this.#parameters.map((parameter) => parameter.read());
  }

  /** Takes over the twin's values. */
  receive(values: readonly Float32Array[]): void {
    this.#parameters.forEach((parameter, index) => parameter.write(values[index]!));
    this.#remember();
  }

  #remember(): void {
    this.#versions = this.#parameters.map(({ version }) => version);
  }
}

function encodeGraph(
  { graph, output }: TracedGraph,
  inputShape: readonly number[],
  numberOf: (parameter: Parameter) => number,
): GraphData {
  const tensors = new Map<SymbolicTensor, number>([[graph.input, 0]]);
  const nodes = graph.nodes.map((node, index): NodeData => {
    tensors.set(node.outputTensor, index + 1);
    return {
      op: node.op.name,
      name: node.name,
      inputs: node.inputTensors.map((tensor) => tensors.get(tensor)!),
      parameters: Object.fromEntries(
        Object.entries(node.parameters).map(([key, parameter]) => [key, numberOf(parameter)]),
      ),
      attributes: copyOf(node.where, node.attributes),
      shape: node.output.shape,
    };
  });
  return { inputShape: [...inputShape], nodes, output: tensors.get(output)! };
}

/** A copy, so that what the model holds is not transferred away from it. */
function copyOf(where: string, attributes: unknown): unknown {
  try {
    return structuredClone(attributes);
  } catch (error) {
    throw new OptionError(
      `[TrainingWorker] the attributes of ${where} cannot be sent to a worker: ${(error as Error).message}`,
    );
  }
}
