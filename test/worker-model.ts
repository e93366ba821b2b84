import {
  BatchNorm2d,
  Conv2d,
  Generator,
  Linear,
  MaxPool2d,
  Module,
  ReLU,
  SGD,
  type SymbolicTensor,
} from '../src/index.node.js';

/** Code that no worker has. */
export class Net extends Module {
  readonly conv: Conv2d;
  readonly norm = new BatchNorm2d(8);
  readonly head: Linear;
  readonly #pool = new MaxPool2d(2);
  readonly #relu = new ReLU();

  constructor(seed = 1) {
    super();
    const generator = new Generator(seed);
    this.conv = new Conv2d(1, 8, 3, { padding: 1, generator });
    this.head = new Linear(8 * 4 * 4, 4, { generator });
  }

  forward(x: SymbolicTensor): SymbolicTensor {
    const features = this.#pool.forward(this.#relu.forward(this.norm.forward(this.conv.forward(x))));
    return this.head.forward(features.flatten());
  }
}

export const options = () => ({ optimizer: new SGD({ lr: 0.1, momentum: 0.9 }), batchSize: 50, epochs: 3 });
