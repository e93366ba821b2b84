import type { SymbolicTensor } from '../graph/graph.js';
import { BatchNorm2d } from '../nn/batch_norm.js';
import { Conv2d } from '../nn/conv2d.js';
import { MaxPool2d } from '../nn/max_pool2d.js';
import { Module } from '../nn/module.js';
import { ReLU } from '../nn/relu.js';

/** What a block is besides its channels. */
export interface BlockOptions {
  /** A 2x2 max-pool at its end; default false. */
  pool?: boolean;
  /** Minimal filtering; default false. */
  winograd?: boolean;
}

/** Convolution 3x3, batch normalisation, ReLU, and where `pool` says so a 2x2 max-pool: one op each way when trained. */
export class ConvBlock extends Module {
  conv: Conv2d;
  bn: BatchNorm2d;
  relu = new ReLU();
  pool?: MaxPool2d;

  constructor(inChannels: number, outChannels: number, options: BlockOptions = {}) {
    super();
    const { pool = false, winograd = false } = options;
    // The normalisation takes away what a bias would add.
    this.conv = new Conv2d(inChannels, outChannels, 3, { padding: 1, bias: false, winograd });
    this.bn = new BatchNorm2d(outChannels);
    if (pool) this.pool = new MaxPool2d(2);
  }

  forward(x: SymbolicTensor): SymbolicTensor {
    const y = this.relu.forward(this.bn.forward(this.conv.forward(x)));
    return this.pool ? this.pool.forward(y) : y;
  }
}

/** x plus two blocks of it: what is learnt is the difference (He et al., "Deep Residual Learning", 2015). */
export class ResidualBlock extends Module {
  first: ConvBlock;
  second: ConvBlock;

  constructor(channels: number, options: BlockOptions = {}) {
    super();
    this.first = new ConvBlock(channels, channels, options);
    this.second = new ConvBlock(channels, channels, options);
  }

  forward(x: SymbolicTensor): SymbolicTensor {
    return x.add(this.second.forward(this.first.forward(x)));
  }
}
