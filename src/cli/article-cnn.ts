import { Conv2d, Linear, MaxPool2d, Module, ReLU, type SymbolicTensor } from '../index.node.js';

/**
 * The article's network for 28x28 grey images and ten classes: twice convolution 5x5, ReLU and pooling, then one
 * linear layer. Its fields name the weights: `cnn1.weight`, `cnn1.bias`, `cnn2.weight`, ... `fc1.bias`.
 */
export class CNN extends Module {
  cnn1 = new Conv2d(1, 16, 5, { padding: 2 });
  relu1 = new ReLU();
  maxpool1 = new MaxPool2d(2);
  cnn2 = new Conv2d(16, 32, 5, { padding: 2 });
  relu2 = new ReLU();
  maxpool2 = new MaxPool2d(2);
  fc1 = new Linear(32 * 7 * 7, 10);

  forward(x: SymbolicTensor): SymbolicTensor {
    let out = this.maxpool1.forward(this.relu1.forward(this.cnn1.forward(x)));
    out = this.maxpool2.forward(this.relu2.forward(this.cnn2.forward(out)));
    return this.fc1.forward(out.flatten());
  }
}

/** Height and width of the images that the network takes. */
export const IMAGE_SIZE = 28;
