import { availableBackend } from '../backend/load.js';
import { OptionError, ShapeError } from '../errors.js';
import { type SymbolicTensor, type TracedGraph, trace } from '../graph/graph.js';
import { ModuleBuffer, Parameter, type StateDtype } from '../graph/parameter.js';
import { formatShape } from '../ops/op.js';
import { summarise } from './summary.js';

/** A tensor as it goes in and out of a model: values in row-major order, in PyTorch's layout. */
export interface StateTensor {
  /** PyTorch's, positive whole numbers. */
  readonly shape: readonly number[];
  /** As many values as `shape` comes to. */
  readonly data: Float32Array;
  /** What a file holds the values as, whole numbers where it is `int64`; default `float32`. */
  readonly dtype?: StateDtype;
}

/** Parameters and buffers by their path, in PyTorch's order: `cnn1.weight`, `cnn1.bias`, ... */
export type StateDict = Map<string, StateTensor>;

/**
 * Base class of all layers and models, torch.nn.Module. A model is a class with submodules and parameters in its
 * fields and a `forward` that applies them:
 *
 *     class Net extends Module {
 *       conv = new Conv2d(1, 16, 5, { padding: 2 });
 *       fc = new Linear(16 * 28 * 28, 10);
 *       forward(x: SymbolicTensor) {
 *         return this.fc.forward(this.conv.forward(x).flatten());
 *       }
 *     }
 *
 * `forward` runs once for each program that is made of the model, on tensors of which only the shape is known. A
 * field's name is its part of the path in `stateDict()`.
 */
export abstract class Module {
  #training = true;

  /** Applies the module to a symbolic tensor. Throws `ShapeError` where the sizes do not fit. */
  abstract forward(x: SymbolicTensor): SymbolicTensor;

  /** Direct submodules by field name, in the order in which the fields were set. */
  children(): Map<string, Module> {
    return new Map(
      Object.entries(this).filter((entry): entry is [string, Module] => entry[1] instanceof Module),
    );
  }

  /** This module (path '') and all below it, by path, depth first. */
  *namedModules(prefix = ''): Generator<[string, Module]> {
    yield [prefix, this];
    for (const [name, child] of this.children()) yield* child.namedModules(join(prefix, name));
  }

  /** All parameters by path, each once, in PyTorch's order: a module's own before those of its submodules. */
  *namedParameters(): Generator<[string, Parameter]> {
    for (const [path, one] of this.namedState()) if (!(one instanceof ModuleBuffer)) yield [path, one];
  }

  /** Parameters and buffers, a module's parameters before its buffers and both before those of its submodules. @internal */
  *namedState(): Generator<[string, Parameter]> {
    const seen = new Set<Parameter>();
    for (const [path, module] of this.namedModules()) {
      const own = Object.entries(module).filter(
        (entry): entry is [string, Parameter] => entry[1] instanceof Parameter,
      );
      const isBuffer = ([, one]: [string, Parameter]) => one instanceof ModuleBuffer;
      for (const [name, one] of [...own.filter((entry) => !isBuffer(entry)), ...own.filter(isBuffer)]) {
        if (seen.has(one)) continue;
        seen.add(one);
        yield [join(path, name), one];
      }
    }
  }

  /** All parameters, each once, in the order of `namedParameters`. */
  parameters(): Parameter[] {
    return [...this.namedParameters()].map(([, parameter]) => parameter);
  }

  /** All buffers by path, running statistics for instance, each once, in PyTorch's order. */
  *namedBuffers(): Generator<[string, ModuleBuffer]> {
    for (const [path, one] of this.namedState()) if (one instanceof ModuleBuffer) yield [path, one];
  }

  /**
   * Says whether the module and all below it learn (`true`) or stay as they are while others do: whether normalisations
   * use and follow the batch's statistics and dropout drops. Takes effect in the next `Trainer` or `fit`; a `Predictor`
   * and `evaluate` always apply a model as after `eval()`.
   */
  train(mode = true): this {
    for (const [, module] of this.namedModules()) module.#training = mode;
    return this;
  }

  /** `train(false)`. */
  eval(): this {
    return this.train(false);
  }

  /** What `train` and `eval` say; true at first. */
  get training(): boolean {
    return this.#training;
  }

  /** Freezes (`false`) or frees all parameters; takes effect in the next `Trainer` or `fit`. */
  requiresGrad(requires = true): this {
    for (const parameter of this.parameters()) parameter.requiresGrad = requires;
    return this;
  }

  /** Copies of all parameters and buffers by path, in PyTorch's names, shapes and order of elements. */
  stateDict(): StateDict {
    const entries = [...this.namedState()];
    return new Map(
      entries.map(([path, one]) => [path, { shape: one.shape, data: one.read(), dtype: one.dtype }]),
    );
  }

  /**
   * Sets the parameters and buffers from `state`. Throws `ShapeError` naming the parameter where shapes differ and
   * `OptionError` naming missing and unexpected keys, in each case before anything is changed.
   * @param strict false allows missing and unexpected keys; default true
   */
  loadStateDict(state: ReadonlyMap<string, StateTensor>, { strict = true }: { strict?: boolean } = {}): void {
    const own = new Map(this.namedState());
    const missing = [...own.keys()].filter((key) => !state.has(key));
    const unexpected = [...state.keys()].filter((key) => !own.has(key));
    if (strict && missing.length + unexpected.length > 0) {
      const parts = [listed('misses', missing), listed('has unexpected', unexpected)].filter(Boolean);
      throw new OptionError(`[loadStateDict] the state ${parts.join(' and ')}`);
    }
    const matches = [...own].flatMap(([key, parameter]) => {
      const tensor = state.get(key);
      return tensor ? [{ key, parameter, tensor }] : [];
    });
    for (const { key, parameter, tensor } of matches) {
      const same = formatShape(tensor.shape) === formatShape(parameter.shape);
      if (!same || tensor.data.length !== parameter.size) {
        const came = `${formatShape(tensor.shape)} (${tensor.data.length} values)`;
        throw new ShapeError(
          `[loadStateDict] ${key} is ${formatShape(parameter.shape)} in the model but ${came} in the state`,
        );
      }
    }
    for (const { parameter, tensor } of matches) parameter.write(tensor.data);
  }

  /** Records `forward` on an image of `shape`, [C, H, W] or [features]. @internal */
  trace(shape: readonly number[]): TracedGraph {
    const names = new Map([...this.namedModules()].map(([path, module]): [object, string] => [module, path]));
    return trace((x) => this.forward(x), shape, names);
  }

  /**
   * A table of layers, output sizes, parameters and arithmetic, for images of `shape`, [C, H, W], and the memory
   * that training and inference are planned to take (where a backend is loaded). Nothing is allocated for it.
   * @param batchSize images in a step; default 100
   */
  summary(shape: readonly number[], { batchSize = 100 }: { batchSize?: number } = {}): string {
    const backend = availableBackend();
    return summarise(this.trace(shape), this.parameters(), batchSize, backend);
  }
}

function join(prefix: string, name: string): string {
  return prefix === '' ? name : `${prefix}.${name}`;
}

function listed(verb: string, keys: readonly string[]): string | undefined {
  if (keys.length === 0) return undefined;
  const more = keys.length > 6 ? ` and ${keys.length - 6} more` : '';
  return `${verb} ${keys.slice(0, 6).join(', ')}${more}`;
}
