import type { Graph, SymbolicTensor } from '../graph/graph.js';
import { OptionError, ShapeError } from '../errors.js';
import { Module } from '../nn/module.js';
import { formatShape } from '../ops/op.js';
import type { TensorValue } from './value.js';

type Use = (inputs: readonly SymbolicTensor[]) => SymbolicTensor;

/** A use of a module, or of a function. Tensors are numbered: 0 is the model's input, n + 1 what step n gives. */
interface Step {
  readonly inputs: readonly number[];
  readonly use: Use;
}

/** Modules by the parts of their paths; itself applied to nothing. */
class Scope extends Module {
  readonly #children = new Map<string, Module>();

  override children(): Map<string, Module> {
    return this.#children;
  }

  forward(): SymbolicTensor {
    throw new OptionError('[importOnnx] a part of an imported model cannot be applied by itself');
  }
}

/** What `importOnnx` makes. */
class ImportedModel extends Scope {
  readonly #inputShape: readonly number[];
  readonly #steps: readonly Step[];
  readonly #output: number;

  constructor(inputShape: readonly number[], steps: readonly Step[], output: number) {
    super();
    this.#inputShape = inputShape;
    this.#steps = steps;
    this.#output = output;
  }

  override forward(x?: SymbolicTensor): SymbolicTensor {
    if (formatShape(x!.shape) !== formatShape(this.#inputShape)) {
      throw new ShapeError(
        `[importOnnx] the model was made for images of ${formatShape(this.#inputShape)} but got ${formatShape(x!.shape)}`,
      );
    }
    const tensors = [x!];
    for (const { inputs, use } of this.#steps) tensors.push(use(inputs.map((index) => tensors[index]!)));
    return tensors[this.#output]!;
  }
}

/** Longer and deeper names are no names of a person's. */
const MOST_PARTS = 16;
const LONGEST = 200;

/** Collects what an imported model does, and applies it to a symbolic image at once: every next node knows the shapes. */
export class ModelBuilder {
  readonly #steps: Step[] = [];
  readonly #modules: { path: string; module: Module }[] = [];
  readonly #graph: Graph;

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  get input(): Pick<TensorValue, 'index' | 'symbolic'> {
    return { index: 0, symbolic: this.#graph.input };
  }

  step(inputs: readonly TensorValue[], use: Use): Pick<TensorValue, 'index' | 'symbolic'> {
    const symbolic = use(inputs.map((input) => input.symbolic));
    return { index: this.#steps.push({ inputs: inputs.map(({ index }) => index), use }), symbolic };
  }

  /**
   * Gives a module its path: of its weight's name what comes before `.weight`, as PyTorch names it; else `otherwise`,
   * the node's name.
   */
  place(weight: string, otherwise: string, module: Module): void {
    const named = /^(.+)\.(weight|scale|gamma|kernel)$/s.exec(weight)?.[1] ?? scopePath(otherwise);
    const usable = named && named.length <= LONGEST && named.split('.').length <= MOST_PARTS;
    const path = usable ? named : otherwise.slice(0, LONGEST).replaceAll('.', '_');
    this.#modules.push({ path, module });
  }

  /** The model, once all nodes were read. */
  finish(output: number): Module {
    const model = new ImportedModel(this.#graph.input.shape, this.#steps, output);
    for (const { path, module } of this.#modules) insert(model, path, module);
    return model;
  }
}

/**
 * The path of the module that PyTorch made a node for, where it names nodes so: `layer1.0.conv1` of
 * `/layer1/layer1.0/conv1/Conv`. Weights that it folded a normalisation into lost theirs.
 */
function scopePath(node: string): string | undefined {
  if (!node.startsWith('/')) return undefined;
  const parts = node.split('/').slice(1, -1);
  const own = parts.map((part, at) => {
    const above = parts[at - 1];
    return above !== undefined && part.startsWith(`${above}.`) ? part.slice(above.length + 1) : part;
  });
  return own.join('.') || undefined;
}

/** Puts a module at its path, or beside it where another one is there. */
function insert(root: Scope, path: string, module: Module): void {
  const parts = path.split('.').map((part) => part || '_');
  let scope: Scope = root;
  for (const part of parts.slice(0, -1)) {
    const children = scope.children();
    const wanted = free(children, part, (child) => child instanceof Scope);
    if (!children.has(wanted)) children.set(wanted, new Scope());
    scope = children.get(wanted) as Scope;
  }
  const children = scope.children();
  children.set(
    free(children, parts.at(-1)!, () => false),
    module,
  );
}

function free(
  children: ReadonlyMap<string, Module>,
  wanted: string,
  shared: (child: Module) => boolean,
): string {
  const taken = children.get(wanted);
  if (!taken || shared(taken)) return wanted;
  let name = wanted;
  for (let more = 1; children.has(name); more++) name = `${wanted}_${more}`;
  return name;
}
