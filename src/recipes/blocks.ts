import type { SymbolicTensor } from '../graph/graph.js';
import { BatchNorm2d } from '../nn/batch_norm.js';
import { Conv2d } from '../nn/conv2d.js';
import { MaxPool2d } from '../nn/max_pool2d.js';
import { Module } from '../nn/module.js';
import { ReLU } from '../nn/relu.js';

/** Convolution 3x3, batch normalisation, ReLU, and where `pool` says so a 2x2 max-pool: one op each way when trained. */
export class ConvBlock extends Module {
  conv: Conv2d;
  bn: BatchNorm2d;
  relu = new ReLU();
  pool?: MaxPool2d;

  constructor(inChannels: number, outChannels: number, { pool = false } = {}) {
    super();
    // The normalisation takes away what a bias would add.
    this.conv = new Conv2d(inChannels, outChannels, 3, { padding: 1, bias: false });
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

  constructor(channels: number) {
    super();
    this.first = new ConvBlock(channels, channels);
    this.second = new ConvBlock(channels, channels);
  }

  forward(x: SymbolicTensor): SymbolicTensor {
    return x.add(this.second.forward(this.first.forward(x)));
  }
}
