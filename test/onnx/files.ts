import { encodeMessage } from '../../src/io/protobuf.js';
import { DataType, type GraphProto, MODEL, type ModelProto } from '../../src/onnx/proto.js';
import { batchOf, GraphWriter } from '../../src/onnx/writer.js';
import { floats, sizeOf } from './models.js';

/** A file with nodes of one's own, whose input is `x` and whose output is `y`; `change` may spoil it. */
export function fileOf(
  build: (graph: GraphWriter) => void,
  {
    input = [1, 4, 4] as readonly number[],
    /** null leaves its sizes open. */
    output = null as readonly number[] | null,
    type = DataType.float as number,
    opset = 17,
    change = (graph: GraphProto): GraphProto => graph,
  } = {},
): Uint8Array {
  const writer = new GraphWriter();
  build(writer);
  const graph: GraphProto = {
    node: writer.nodes,
    initializer: writer.initializers,
    input: [batchOf('x', type, input)],
    output: [
      output
        ? batchOf('y', DataType.float, output)
        : { name: 'y', type: { tensor_type: { elem_type: DataType.float } } },
    ],
  };
  const model: ModelProto = {
    ir_version: 8,
    opset_import: [{ domain: '', version: opset }],
    graph: change(graph),
  };
  return encodeMessage(MODEL, model);
}

/** A constant of a shape, its values drawn. */
export function drawnConstant(graph: GraphWriter, name: string, shape: readonly number[]): string {
  return graph.floats(name, floats(sizeOf(shape), name.length), shape);
}
