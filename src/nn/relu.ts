import type { SymbolicTensor } from '../graph/graph.js';
import { relu } from '../ops/relu.js';
import { Module } from './module.js';

/** torch.nn.ReLU: max(x, 0), any shape. */
export class ReLU extends Module {
  forward(x: SymbolicTensor): SymbolicTensor {
    return x.graph.apply(relu, [x], {}, {}, this);
  }
}
