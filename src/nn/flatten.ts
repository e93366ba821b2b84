import type { SymbolicTensor } from '../graph/graph.js';
import { flatten } from '../ops/flatten.js';
import { Module } from './module.js';

/** torch.nn.Flatten: [C, H, W] to [C*H*W], in PyTorch's order. */
export class Flatten extends Module {
  forward(x: SymbolicTensor): SymbolicTensor {
    return x.graph.apply(flatten, [x], {}, {}, this);
  }
}
