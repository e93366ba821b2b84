// A module of one's own with a residual connection: what goes in is added to what comes out.
//
//   npm run example residual -- [--images 60000] [--epochs 3]

import { parseArgs } from 'node:util';
import { Conv2d, fit, Flatten, Linear, manualSeed, MaxPool2d, Module, ReLU, Sequential, SGD } from 'twill';
import type { SymbolicTensor } from 'twill';
import { fashionMnist } from 'twill/data';

const { values } = parseArgs({
  options: { images: { type: 'string', default: '60000' }, epochs: { type: 'string', default: '3' } },
});

/** relu(x + conv2(relu(conv1(x)))): both convolutions keep channels and size, so that the sum makes sense. */
class Residual extends Module {
  readonly conv1: Conv2d;
  readonly conv2: Conv2d;
  readonly relu = new ReLU();

  constructor(channels: number) {
    super();
    this.conv1 = new Conv2d(channels, channels, 3, { padding: 1 });
    this.conv2 = new Conv2d(channels, channels, 3, { padding: 1 });
  }

  forward(x: SymbolicTensor): SymbolicTensor {
    const y = this.relu.forward(this.conv1.forward(x));
    return this.relu.forward(x.add(this.conv2.forward(y)));
  }
}

manualSeed(1);
const model = new Sequential(
  new Conv2d(1, 16, 3, { padding: 1 }),
  new ReLU(),
  new MaxPool2d(2),
  new Residual(16),
  new MaxPool2d(2),
  new Residual(16),
  new Flatten(),
  new Linear(16 * 7 * 7, 10),
);
console.log(model.summary([1, 28, 28]));

const { train, test } = await fashionMnist();
const run = fit(model, train.take(Number(values.images)), {
  epochs: Number(values.epochs),
  batchSize: 100,
  shuffle: true,
  optimizer: new SGD({ lr: 0.05, momentum: 0.9 }),
  validation: test,
});
for await (const { epoch, loss, accuracy, seconds } of run) {
  const share = `${(accuracy * 100).toFixed(2)} %`;
  console.log(`epoch ${epoch}   loss ${loss.toFixed(4)}   accuracy ${share}   ${seconds.toFixed(1)} s`);
}
