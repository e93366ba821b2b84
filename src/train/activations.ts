import type { Backend } from '../backend/backend.js';
import { OptionError } from '../errors.js';
import type { SymbolicTensor, TracedGraph } from '../graph/graph.js';
import { Module } from '../nn/module.js';
import { checkOptions } from '../options.js';
import type { Images } from './evaluate.js';
import { Predictor } from './predictor.js';

/** What a layer gives for N images. */
export interface LayerOutput {
  /** The layer's path, or its op's name where no named module applied it. */
  readonly name: string;
  /** `conv2d`, `relu`, ... */
  readonly op: string;
  /** Of one image: [C, H, W], or [features]. */
  readonly shape: readonly number[];
  /** N times `shape`, in PyTorch's order. */
  readonly values: Float32Array;
}

/** A model up to one of its layers. */
class Beginning extends Module {
  readonly #traced: TracedGraph;

  constructor(traced: TracedGraph) {
    super();
    this.#traced = traced;
  }

  override trace(): TracedGraph {
    return this.#traced;
  }

  forward(): SymbolicTensor {
    throw new OptionError('[activations] a part of a model is run as it was traced');
  }
}

/**
 * What every layer of a model gives for images, in the order in which the layers run, the model being applied
 * (`eval()`). Each layer is computed from the images anew: it is for looking at a few. Throws `ShapeError` and
 * `OptionError`.
 */
export async function activations(
  model: Module,
  { images, shape }: Images,
  options?: { backend?: Backend },
): Promise<LayerOutput[]> {
  const { backend } = checkOptions('activations', options, ['backend']);
  const { graph } = model.trace(shape);
  const outputs: LayerOutput[] = [];
  for (const [at, { name, op, outputTensor: output }] of graph.nodes.entries()) {
    const nodes = graph.nodes.slice(0, at + 1);
    const part = new Beginning({ graph: { inputs: graph.inputs, input: graph.input, nodes }, output });
    const predictor = new Predictor(part, { inputShape: shape, batchSize: 16, backend });
    try {
      outputs.push({ name, op: op.name, shape: output.shape, values: await predictor.run(images) });
    } finally {
      predictor.dispose();
    }
  }
  return outputs;
}
