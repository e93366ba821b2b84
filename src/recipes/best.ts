import type { SymbolicTensor } from '../graph/graph.js';
import { Linear } from '../nn/linear.js';
import { MaxPool2d } from '../nn/max_pool2d.js';
import { Module } from '../nn/module.js';
import { ConvBlock, ResidualBlock } from './blocks.js';

/**
 * A small residual network after Page's ResNet-9 ("How to Train Your ResNet", 2018), with a residual block at 14x14 and
 * one at 7x7, and the largest value of each channel as the last features. Its convolutions are filtered minimally, all but
 * the first, which has too few channels to gain by it.
 */
export class ResidualCnn extends Module {
  stem = new ConvBlock(1, 16);
  down1 = new ConvBlock(16, 48, { pool: true, winograd: true });
  residual1 = new ResidualBlock(48, { winograd: true });
  down2 = new ConvBlock(48, 96, { pool: true, winograd: true });
  residual2 = new ResidualBlock(96, { winograd: true });
  head = new ConvBlock(96, 128, { winograd: true });
  pool = new MaxPool2d(7);
  fc = new Linear(128, 10);

  forward(x: SymbolicTensor): SymbolicTensor {
    const wide = this.residual1.forward(this.down1.forward(this.stem.forward(x)));
    const deep = this.head.forward(this.residual2.forward(this.down2.forward(wide)));
    return this.fc.forward(this.pool.forward(deep).flatten());
  }
}
