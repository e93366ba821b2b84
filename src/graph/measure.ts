import type { Backend, Memory } from '../backend/backend.js';
import type { TracedGraph } from './graph.js';
import { lower } from './lower.js';
import type { Request } from './request.js';
import { Parameter } from './parameter.js';

/** Bytes that a program would take, by what they are for. */
export interface MemoryNeeds {
  /** Parameters and optimizer state. */
  readonly parameters: number;
  /** Activations, gradients, scratch. */
  readonly program: number;
}

/** Plans a program without allocating anything: on a stand-in of the backend, with stand-ins of the parameters. */
export function measure({ graph, output }: TracedGraph, request: Request): MemoryNeeds {
  let total = 0;
  const standIn: Backend = {
    name: request.backend.name,
    kernels: request.backend.kernels,
    info: () => request.backend.info(),
    allocate(bytes): Memory {
      total += bytes;
      return { bytes, write() {}, read() {}, dispose() {} };
    },
    load: () => ({ run() {}, runAsync: () => Promise.resolve(), dispose() {} }),
    dispose() {},
    disposed: false,
  };
  const copies = new Map<Parameter, Parameter>();
  const copy = (parameter: Parameter) => {
    if (!copies.has(parameter)) copies.set(parameter, new Parameter(parameter.shape));
    const twin = copies.get(parameter)!;
    twin.requiresGrad = parameter.requiresGrad;
    return twin;
  };
  const nodes = graph.nodes.map((node) => ({
    ...node,
    parameters: Object.fromEntries(Object.entries(node.parameters).map(([name, one]) => [name, copy(one)])),
  }));
  const update = request.update && {
    ...request.update,
    state: (_: string, bytes: number) => standIn.allocate(bytes),
  };
  const twin = { inputs: graph.inputs, input: graph.input, nodes };
  const { program } = lower({ graph: twin, output }, { ...request, backend: standIn, update });
  return { parameters: total - program.bytes, program: program.bytes };
}
