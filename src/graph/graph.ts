import { OptionError, ShapeError } from '../errors.js';
import { add } from '../ops/add.js';
import { concat } from '../ops/concat.js';
import { flatten } from '../ops/flatten.js';
import { mul } from '../ops/mul.js';
import { formatShape, type NodeView, type Op, type TensorSpec } from '../ops/op.js';
import { reshape } from '../ops/reshape.js';
import type { Parameter } from './parameter.js';

/** An application of an op: its inputs and output are symbolic, its parameters the model's own. */
export interface GraphNode extends NodeView<unknown> {
  readonly op: Op;
  /** `conv2d`, or `conv2d cnn1` where a named module applied it; errors and `summary()` quote it. */
  readonly where: string;
  /** The path of the module that applied it, or the op's name. */
  readonly name: string;
  readonly inputTensors: readonly SymbolicTensor[];
  readonly outputTensor: SymbolicTensor;
  readonly parameters: Readonly<Record<string, Parameter>>;
}

/**
 * What `forward` receives: a tensor of which only the shape is known, one image's (C, H, W); the batch is open.
 * Applying modules to it records a graph.
 */
export class SymbolicTensor {
  /** @internal */
  readonly spec: TensorSpec;
  /** @internal */
  readonly graph: Graph;

  /** @internal Made by tracing only. */
  constructor(graph: Graph, spec: TensorSpec) {
    this.graph = graph;
    this.spec = spec;
  }

  /** Shape of one image, without the batch: [C, H, W], or [features]. */
  get shape(): readonly number[] {
    return this.spec.shape;
  }

  /** C x H x W to C*H*W features, in PyTorch's order: `x.view(x.size(0), -1)`. */
  flatten(): SymbolicTensor {
    return this.graph.apply(flatten as Op, [this], {}, {});
  }

  /** The sum of two tensors of one shape: what closes a residual block. Throws `ShapeError` where shapes differ. */
  add(other: SymbolicTensor): SymbolicTensor {
    return this.graph.apply(add, [this, other], {}, {});
  }

  /**
   * The product of two tensors of one shape, or of an image [C, H, W] and a gate [C, 1, 1] in either order: what
   * squeeze-and-excitation ends in. Throws `ShapeError` for other shapes.
   */
  mul(other: SymbolicTensor): SymbolicTensor {
    return this.graph.apply(mul, [this, other], {}, {});
  }

  /**
   * This tensor and others one after another along their channels, or features, `torch.cat((x, ...others), dim=1)`.
   * Throws `ShapeError` where they differ in more than the number of channels.
   */
  concat(...others: SymbolicTensor[]): SymbolicTensor {
    return this.graph.apply(concat, [this, ...others], {}, {});
  }

  /**
   * The same values seen as images of `shape`, [C, H, W], or as [features], in PyTorch's order:
   * `x.view(x.size(0), ...shape)`. One size may be -1, for what is left. Throws `ShapeError` where the number of values
   * differs.
   */
  reshape(shape: readonly number[]): SymbolicTensor {
    return this.graph.apply(reshape, [this], {}, { shape: [...shape] });
  }
}

/** What `forward` recorded: nodes in the order in which they can run. */
export class Graph {
  /** A model has one; a function on arrays may have more. */
  readonly inputs: readonly SymbolicTensor[];
  readonly nodes: GraphNode[] = [];
  readonly #names: ReadonlyMap<object, string>;

  /** `names`: what to call the modules that apply ops. */
  constructor(inputs: readonly TensorSpec[], names: ReadonlyMap<object, string> = new Map()) {
    this.inputs = inputs.map((input) => new SymbolicTensor(this, input));
    this.#names = names;
  }

  get input(): SymbolicTensor {
    return this.inputs[0]!;
  }

  apply<A>(
    op: Op<A>,
    inputs: readonly SymbolicTensor[],
    parameters: Readonly<Record<string, Parameter | null | undefined>>,
    attributes: A,
    owner?: object,
  ): SymbolicTensor {
    for (const input of inputs) {
      if (!(input instanceof SymbolicTensor) || input.graph !== this) {
        throw new OptionError(`[${op.name}] expected forward(x)'s tensor, or one made from it`);
      }
    }
    const name = (owner && this.#names.get(owner)) || op.name;
    const where = name === op.name ? op.name : `${op.name} ${name}`;
    const present = Object.fromEntries(
      Object.entries(parameters).filter((entry): entry is [string, Parameter] => entry[1] != null),
    );
    const shapes = Object.fromEntries(Object.entries(present).map(([key, { shape }]) => [key, shape]));
    const specs = inputs.map(({ spec }) => spec);
    const output = new SymbolicTensor(this, op.infer(where, specs, shapes, attributes));
    this.nodes.push({
      op: op as Op,
      where,
      name,
      inputs: specs,
      output: output.spec,
      attributes,
      inputTensors: inputs,
      outputTensor: output,
      parameters: present,
    });
    return output;
  }
}

/** A graph with its output: what a program is made from. */
export interface TracedGraph {
  readonly graph: Pick<Graph, 'inputs' | 'input' | 'nodes'>;
  readonly output: SymbolicTensor;
}

/**
 * Runs `forward` once on a symbolic image of `shape`, [C, H, W] or [features]. Throws `ShapeError` where the
 * sizes do not fit.
 */
export function trace(
  forward: (x: SymbolicTensor) => SymbolicTensor,
  shape: readonly number[],
  names?: ReadonlyMap<object, string>,
): TracedGraph {
  return traceAll(([x]) => forward(x!), [shape], names);
}

/** `trace` of a function of several tensors. */
export function traceAll(
  forward: (inputs: readonly SymbolicTensor[]) => SymbolicTensor,
  shapes: readonly (readonly number[])[],
  names?: ReadonlyMap<object, string>,
): TracedGraph {
  for (const shape of shapes) {
    if (![1, 3].includes(shape.length) || !shape.every((size) => Number.isSafeInteger(size) && size > 0)) {
      throw new ShapeError(
        `expected an image shape of C x H x W, or a number of features, all positive whole numbers, but got ${formatShape(shape)}`,
      );
    }
  }
  const graph = new Graph(
    shapes.map((shape) => ({ shape: [...shape] })),
    names,
  );
  const output = forward(graph.inputs);
  if (!(output instanceof SymbolicTensor) || output.graph !== graph) {
    throw new OptionError('forward(x) has to return a tensor made from x');
  }
  return { graph, output };
}
