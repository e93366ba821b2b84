import type { SymbolicTensor } from '../graph/graph.js';
import { Conv2d } from '../nn/conv2d.js';
import { Linear } from '../nn/linear.js';
import { MaxPool2d } from '../nn/max_pool2d.js';
import { Module } from '../nn/module.js';
import { ReLU } from '../nn/relu.js';

/**
 * The article's network for 28x28 grey images and ten classes: twice convolution 5x5, ReLU and pooling, then one
 * linear layer. Its fields name the weights: `cnn1.weight`, `cnn1.bias`, `cnn2.weight`, ... `fc1.bias`.
 */
export class ArticleCnn extends Module {
  cnn1 = new Conv2d(1, 16, 5, { padding: 2 });
  relu1 = new ReLU();
  maxpool1 = new MaxPool2d(2);
  cnn2 = new Conv2d(16, 32, 5, { padding: 2 });
  relu2 = new ReLU();
  maxpool2 = new MaxPool2d(2);
  fc1 = new Linear(32 * 7 * 7, 10);

  forward(x: SymbolicTensor): SymbolicTensor {
    const first = this.maxpool1.forward(this.relu1.forward(this.cnn1.forward(x)));
    const second = this.maxpool2.forward(this.relu2.forward(this.cnn2.forward(first)));
    return this.fc1.forward(second.flatten());
  }
}

/** Shape of the images that the network takes. */
export const IMAGE_SHAPE = [1, 28, 28] as const;
