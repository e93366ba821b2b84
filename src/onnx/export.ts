import { OptionError } from '../errors.js';
import type { GraphNode, SymbolicTensor } from '../graph/graph.js';
import type { Parameter } from '../graph/parameter.js';
import { encodeMessage } from '../io/protobuf.js';
import { Module } from '../nn/module.js';
import { boolean, checkOptions, show, text } from '../options.js';
import { OP_WRITERS } from './export-ops.js';
import { DataType, MODEL, type ModelProto } from './proto.js';
import { batchOf, GraphWriter } from './writer.js';

/** What `exportOnnx` takes. */
export interface ExportOnnxOptions {
  /** [C, H, W] of one image, or [features]; the batch is left open. */
  inputShape: readonly number[];
  /** The network takes bytes, 0..255, and scales them to 0..1 itself, as Twill does; default false: floats. */
  uint8Input?: boolean;
  /** Give probabilities: a softmax over what the model gives, which must be one score a class; default false. */
  softmax?: boolean;
  /** Default `input`. */
  inputName?: string;
  /** Default `output`. */
  outputName?: string;
}

/** Versions of the files themselves that came with an opset. */
const irVersion = (opset: number) => (opset <= 18 ? 8 : opset <= 20 ? 9 : 10);

/**
 * A model as an ONNX file, as it is applied (`eval()`): input N x C x H x W and output N x ..., N being open, weights
 * under their names in `stateDict()`, in PyTorch's layouts. Throws `ShapeError` where images of `inputShape` do not fit
 * the model, and `OptionError` for options it cannot use and ops that ONNX has no operator for.
 */
export function exportOnnx(model: Module, options: ExportOnnxOptions): Uint8Array<ArrayBuffer> {
  const where = 'exportOnnx';
  if (!(model instanceof Module)) throw new OptionError(`[${where}] expected a model but got ${show(model)}`);
  const known = ['inputShape', 'uint8Input', 'softmax', 'inputName', 'outputName'] as const;
  const checked = checkOptions(where, options, known);
  const inputName = text(where, 'inputName', checked.inputName ?? 'input');
  const outputName = text(where, 'outputName', checked.outputName ?? 'output');
  if (inputName === outputName) throw new OptionError(`[${where}] input and output are both ${inputName}`);
  const uint8 = boolean(where, 'uint8Input', checked.uint8Input ?? false);
  const softmax = boolean(where, 'softmax', checked.softmax ?? false);
  const traced = model.trace(checked.inputShape);
  const { shape } = traced.output;
  if (softmax && shape.length !== 1) {
    throw new OptionError(
      `[${where}] softmax needs one score a class but the model gives ${shape.join('x')}`,
    );
  }
  const graph = new GraphWriter();
  graph.name(inputName);
  graph.name(outputName);
  const tensors = new Map<SymbolicTensor, string>([
    [traced.graph.input, uint8 ? scaled(graph, inputName) : inputName],
  ]);
  const parameterName = namesOf(model, graph);
  for (const node of traced.graph.nodes) {
    tensors.set(node.outputTensor, writeNode(graph, node, tensors, parameterName));
  }
  const last = tensors.get(traced.output)!;
  graph.end(softmax ? graph.node('softmax', 'Softmax', [last], { axis: 1 }) : last, outputName);
  const file: ModelProto = {
    ir_version: irVersion(graph.opset),
    producer_name: 'twill',
    opset_import: [{ domain: '', version: graph.opset }],
    graph: {
      name: 'twill',
      node: graph.nodes,
      initializer: graph.initializers,
      input: [batchOf(inputName, uint8 ? DataType.uint8 : DataType.float, checked.inputShape)],
      output: [batchOf(outputName, DataType.float, shape)],
    },
  };
  return encodeMessage(MODEL, file);
}

/** Divided, not multiplied by 1/255: so does Twill. */
function scaled(graph: GraphWriter, input: string): string {
  const float = graph.node('float', 'Cast', [input], { to: DataType.float });
  const range = graph.floats('byte_range', Float32Array.of(255), []);
  return graph.node('scaled', 'Div', [float, range]);
}

function writeNode(
  graph: GraphWriter,
  node: GraphNode,
  tensors: ReadonlyMap<SymbolicTensor, string>,
  parameterName: (parameter: Parameter, owner: string) => string,
): string {
  const write = OP_WRITERS.get(node.op.name);
  if (!write)
    throw new OptionError(`[exportOnnx] the op ${node.op.name} (of ${node.name}) cannot be exported`);
  return write({
    graph,
    node,
    name: node.name,
    inputs: node.inputTensors.map((tensor) => tensors.get(tensor)!),
    parameter: (name) => {
      const parameter = node.parameters[name];
      return parameter && parameterName(parameter, `${node.name}.${name}`);
    },
  });
}

/** Names parameters as the state dict does and adds each to the file when it is first asked for. */
function namesOf(model: Module, graph: GraphWriter) {
  const paths = new Map<Parameter, string>(
    [...model.namedParameters(), ...model.namedBuffers()].map(([path, one]) => [one, path]),
  );
  const written = new Map<Parameter, string>();
  return (parameter: Parameter, otherwise: string): string => {
    const known = written.get(parameter);
    if (known !== undefined) return known;
    const name = graph.floats(paths.get(parameter) ?? otherwise, parameter.read(), parameter.shape);
    written.set(parameter, name);
    return name;
  };
}
