import type { Backend } from '../backend/backend.js';
import { dtypeOf } from '../data/check.js';
import type { Pixels } from '../data/dataset.js';
import { NumericError, type NumericOrigin } from '../errors.js';
import type { GraphNode, TracedGraph } from '../graph/graph.js';
import { lower } from '../graph/lower.js';
import type { LoweredProgram } from '../graph/request.js';
import { Parameter } from '../graph/parameter.js';
import type { Probe } from '../graph/probes.js';
import type { Loss } from '../nn/loss.js';
import type { Module } from '../nn/module.js';

/** The first number in a step that is not finite. */
export interface Anomaly {
  readonly origin: NumericOrigin;
  /** As part of a sentence. */
  readonly text: string;
  /** Number of the image in the batch, where it belongs to one. */
  readonly image?: number;
  readonly layer?: string;
}

/** What a step computed with. */
export interface FedBatch {
  readonly images: Pixels;
  readonly targets: Int32Array | Float32Array;
  /** Where dropout drew from. */
  readonly words: Int32Array | undefined;
  readonly size: number;
}

/** What an examination needs to know of a trainer. */
export interface Examined {
  readonly backend: Backend;
  readonly model: Module;
  readonly inputShape: readonly number[];
  readonly loss: Loss;
  readonly batchSize: number;
}

/**
 * Runs a step op by op, every tensor kept, and finds the first that is not finite. It computes with copies of the
 * weights: the trainer's program, its weights and running statistics are none the wiser.
 */
export class Examiner {
  readonly #examined: Examined;
  readonly #traced: TracedGraph;
  /** The copies by what they are copies of. */
  readonly #copies: ReadonlyMap<Parameter, Parameter>;
  readonly #programs = new Map<'uint8' | 'float32', LoweredProgram>();

  constructor(examined: Examined) {
    this.#examined = examined;
    const { graph, output } = examined.model.trace(examined.inputShape);
    const parameters = new Set(graph.nodes.flatMap((node) => Object.values(node.parameters)));
    this.#copies = new Map([...parameters].map((one) => [one, copyOf(one)]));
    const nodes = graph.nodes.map((node) => ({ ...node, parameters: this.#copiesIn(node) }));
    this.#traced = { graph: { inputs: graph.inputs, input: graph.input, nodes }, output };
  }

  /** Undefined where everything is finite. Throws `BackendError` where there is no memory for it. */
  find(batch: FedBatch): Anomaly | undefined {
    for (const [original, copy] of this.#copies) copy.write(original.read());
    return inImages(batch) ?? inTargets(batch) ?? this.#inWeights() ?? this.#inRun(batch);
  }

  /** Frees what it has. */
  dispose(): void {
    for (const { program } of this.#programs.values()) program.dispose();
    this.#programs.clear();
    const memories = [...this.#copies.values()].map(({ placement }) => placement?.memory);
    for (const memory of new Set(memories)) memory?.dispose();
  }

  #copiesIn({ parameters }: GraphNode): Record<string, Parameter> {
    const copies = Object.entries(parameters).map(([name, one]) => [name, this.#copies.get(one)!] as const);
    return Object.fromEntries(copies);
  }

  #inWeights(): Anomaly | undefined {
    for (const { where, parameters } of this.#traced.graph.nodes) {
      for (const [name, parameter] of Object.entries(parameters)) {
        const wrong = firstIn(parameter.read());
        if (!wrong) continue;
        const text = `value ${wrong.at} of the ${name} of ${where} is ${wrong.value} before the step`;
        return { origin: 'weights', text, layer: where };
      }
    }
    return undefined;
  }

  #inRun({ images, targets, words, size }: FedBatch): Anomaly | undefined {
    const lowered = this.#program(dtypeOf(images));
    const { program, probes } = lowered;
    program.write(lowered.images, images);
    program.write(lowered.targets!, targets);
    if (lowered.random && words) program.write(lowered.random, words);
    program.run(size);
    for (const probe of probes) {
      const found = probe.pass === 'forward' && this.#inProbe(lowered, probe, size);
      if (found) return found;
    }
    return (
      inCount(lowered) ??
      this.#inLoss(lowered, size) ??
      inSum(lowered, size) ??
      this.#inGradients(lowered, size)
    );
  }

  #program(input: 'uint8' | 'float32'): LoweredProgram {
    const { backend, batchSize: capacity, loss } = this.#examined;
    const request = { backend, capacity, input, loss, gradients: 'parameters', output: false } as const;
    const known = this.#programs.get(input);
    if (known?.current()) return known;
    known?.program.dispose();
    const lowered = lower(this.#traced, { ...request, fusion: false, inspect: true });
    this.#programs.set(input, lowered);
    return lowered;
  }

  #inProbe({ program }: LoweredProgram, probe: Probe, size: number): Anomaly | undefined {
    const { node, pass, buffer } = probe;
    const values = new Float32Array(size * probe.size);
    program.read(buffer, values);
    const wrong = firstIn(values);
    if (!wrong) return undefined;
    const image = Math.floor(wrong.at / probe.size);
    const layer = node?.where ?? this.#examined.loss.op.name;
    const what = pass === 'forward' ? '' : node ? ' in the gradient of its input' : ' in its gradient';
    return {
      origin: pass,
      text: `the ${pass} pass of ${layer} is the first to give ${wrong.value}${what}, for image ${image} of the batch`,
      image,
      layer,
    };
  }

  #inLoss({ program, losses }: LoweredProgram, size: number): Anomaly | undefined {
    const values = new Float32Array(size);
    program.read(losses!, values);
    const wrong = firstIn(values);
    const layer = this.#examined.loss.op.name;
    const text = `${layer} gives ${wrong?.value} for image ${wrong?.at} of the batch, of finite outputs`;
    return wrong && { origin: 'loss', text, image: wrong.at, layer };
  }

  /** Layer after layer, the last first: the gradients of its parameters, then those that it passes on. */
  #inGradients(lowered: LoweredProgram, size: number): Anomaly | undefined {
    const probes = lowered.probes.filter(({ pass }) => pass === 'backward');
    const inProbes = (from: GraphNode | undefined) => {
      for (const probe of probes) {
        // Where nothing was left out, the nodes that were lowered are those of the trace.
        const found = probe.node?.outputTensor === from?.outputTensor && this.#inProbe(lowered, probe, size);
        if (found) return found;
      }
      return undefined;
    };
    const ofLoss = inProbes(undefined);
    if (ofLoss) return ofLoss;
    const { program, gradients, block } = lowered;
    const all = new Float32Array((block?.bytes ?? 0) / Float32Array.BYTES_PER_ELEMENT);
    if (gradients) program.read(gradients, all);
    for (const node of this.#traced.graph.nodes.toReversed()) {
      for (const [name, parameter] of Object.entries(node.parameters)) {
        const start = (block?.offsets.get(parameter) ?? all.byteLength) / Float32Array.BYTES_PER_ELEMENT;
        const wrong = firstIn(all.subarray(start, start + parameter.size));
        if (!wrong) continue;
        const { where } = node;
        const text = `the backward pass of ${where} is the first to give ${wrong.value}, in the gradient of its ${name}`;
        return { origin: 'backward', text, layer: where };
      }
      const passed = inProbes(node);
      if (passed) return passed;
    }
    return undefined;
  }
}

/** As an error of `where`; nothing was changed. */
export function anomalyError(where: string, { text, origin, layer }: Anomaly): NumericError {
  return new NumericError(`[${where}] ${text}: the step was not taken`, { origin, layer });
}

function copyOf(parameter: Parameter): Parameter {
  const copy = new Parameter(parameter.shape);
  copy.requiresGrad = parameter.requiresGrad;
  return copy;
}

function inImages({ images, size }: FedBatch): Anomaly | undefined {
  const wrong = images instanceof Float32Array ? firstIn(images) : undefined;
  if (!wrong) return undefined;
  const image = Math.floor(wrong.at / (images.length / size));
  return { origin: 'images', text: `image ${image} of the batch holds ${wrong.value}`, image };
}

function inTargets({ targets, size }: FedBatch): Anomaly | undefined {
  const wrong = targets instanceof Float32Array ? firstIn(targets) : undefined;
  if (!wrong) return undefined;
  const image = Math.floor(wrong.at / (targets.length / size));
  const text = `the target of image ${image} of the batch holds ${wrong.value}`;
  return { origin: 'targets', text, image };
}

/** A mean over nothing. */
function inCount({ program, total }: LoweredProgram): Anomaly | undefined {
  const count = Float32Array.of(1);
  if (total) program.read(total, count);
  if (count[0] !== 0) return undefined;
  return { origin: 'targets', text: 'no label of the batch counts, all are ignored or weigh 0' };
}

/** Losses that are finite one by one, but not added up. */
function inSum({ program, losses }: LoweredProgram, size: number): Anomaly | undefined {
  const values = new Float32Array(size);
  program.read(losses!, values);
  const sum = values.reduce((a, b) => a + b, 0);
  return Number.isFinite(sum)
    ? undefined
    : { origin: 'sum', text: `the losses of the batch add up to ${sum}` };
}

function firstIn(values: Float32Array): { at: number; value: number } | undefined {
  const at = values.findIndex((value) => !Number.isFinite(value));
  return at < 0 ? undefined : { at, value: values[at]! };
}
