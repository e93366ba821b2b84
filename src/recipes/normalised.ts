import type { SymbolicTensor } from '../graph/graph.js';
import { BatchNorm1d, BatchNorm2d } from '../nn/batch_norm.js';
import { Conv2d } from '../nn/conv2d.js';
import { Linear } from '../nn/linear.js';
import { MaxPool2d } from '../nn/max_pool2d.js';
import { Module } from '../nn/module.js';
import { ReLU } from '../nn/relu.js';

/**
 * The article's network with what it advises in the end: a normalisation after each convolution and at the last layer.
 * Its fields name the weights: `cnn1.weight`, `cnn1.bias`, `bn1.weight`, `bn1.running_mean`, ... `bn3.bias`.
 */
export class NormalisedCnn extends Module {
  cnn1: Conv2d;
  bn1 = new BatchNorm2d(16);
  relu1 = new ReLU();
  maxpool1 = new MaxPool2d(2);
  cnn2: Conv2d;
  bn2 = new BatchNorm2d(32);
  relu2 = new ReLU();
  maxpool2 = new MaxPool2d(2);
  fc1: Linear;
  bn3 = new BatchNorm1d(10);

  /** @param kernel height and width of the convolutions' kernels, an odd number: the article's are 5 */
  constructor(kernel = 5) {
    super();
    const padding = (kernel - 1) / 2;
    this.cnn1 = new Conv2d(1, 16, kernel, { padding });
    this.cnn2 = new Conv2d(16, 32, kernel, { padding });
    this.fc1 = new Linear(32 * 7 * 7, 10);
  }

  forward(x: SymbolicTensor): SymbolicTensor {
    const first = this.maxpool1.forward(this.relu1.forward(this.bn1.forward(this.cnn1.forward(x))));
    const second = this.maxpool2.forward(this.relu2.forward(this.bn2.forward(this.cnn2.forward(first))));
    return this.bn3.forward(this.fc1.forward(second.flatten()));
  }
}
