// The article on convolutional networks, step by step, in its order.
//
//   npm run example article -- [--images 60000] [--epochs 6] [--out out/article]
//
// On all images it takes a minute and ends at almost 90 %; `--images 6000 --epochs 2` is a quick look.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  Conv2d,
  CrossEntropyLoss,
  evaluate,
  fit,
  Linear,
  loadBackend,
  manualSeed,
  MaxPool2d,
  Module,
  ReLU,
  SGD,
  type SymbolicTensor,
} from 'twill';
import { fashionMnist } from 'twill/data';
import { categoriesSvg, findMistakes, historySvg, misclassifiedSvg, svgToPng } from 'twill/report';

const { values } = parseArgs({
  options: {
    images: { type: 'string', default: '60000' },
    epochs: { type: 'string', default: '6' },
    out: { type: 'string', default: 'out/article' },
  },
});
const epochs = Number(values.epochs);
await mkdir(values.out, { recursive: true });

async function picture(name: string, svg: string): Promise<void> {
  const file = join(values.out, name);
  await writeFile(file, await svgToPng(svg));
  console.log(`(${file})`);
}

function heading(title: string): void {
  console.log(`\n${title}\n${'-'.repeat(title.length)}`);
}

heading('1. The data');

const { train: all, test, source } = await fashionMnist();
const train = all.take(Number(values.images));
const { image, label } = train.get(0);
console.log(`${train.length} images to train on, ${test.length} to test, from ${source}`);
console.log(`each is ${train.shape.join(' x ')} ${train.dtype}; the first is "${train.classes![label]}":`);
for (let y = 0; y < 28; y += 2) {
  const row = Array.from({ length: 28 }, (_, x) => ' .:-=+*#%@'[Math.floor(image[y * 28 + x]! / 25.6)]);
  console.log(`    ${row.join('')}`.trimEnd());
}

heading('2. The categories');

train.classes!.forEach((name, index) => {
  const count = Array.from(train.labels).filter((one) => one === index).length;
  console.log(`${index} ${name.padEnd(12)} ${count} images`);
});
await picture('categories.png', categoriesSvg(train, { title: 'Fashion-MNIST' }));

heading('3. The network');

/** Twice convolution, ReLU and pooling, then one linear layer. Padding keeps the size, pooling halves it. */
class Cnn extends Module {
  cnn1: Conv2d;
  relu1 = new ReLU();
  maxpool1 = new MaxPool2d(2);
  cnn2: Conv2d;
  relu2 = new ReLU();
  maxpool2 = new MaxPool2d(2);
  fc1 = new Linear(32 * 7 * 7, 10);

  constructor(kernel: 3 | 5) {
    super();
    const padding = (kernel - 1) / 2;
    this.cnn1 = new Conv2d(1, 16, kernel, { padding });
    this.cnn2 = new Conv2d(16, 32, kernel, { padding });
  }

  forward(x: SymbolicTensor) {
    x = this.maxpool1.forward(this.relu1.forward(this.cnn1.forward(x)));
    x = this.maxpool2.forward(this.relu2.forward(this.cnn2.forward(x)));
    return this.fc1.forward(x.flatten());
  }
}

manualSeed(0);
const model = new Cnn(5);
const { backend, isa, threads } = (await loadBackend()).info();
console.log(`on the ${backend} backend, ${isa}, ${threads} threads\n`);
// The sizes between the layers, which the article calls one of the hardest parts, are in the third column.
console.log(model.summary(train.shape));

heading('4. Its parameters');

for (const [key, { shape, size }] of model.namedParameters()) {
  console.log(`${key.padEnd(12)} ${shape.join(' x ').padEnd(16)} ${size}`);
}

heading('5. Training: cost and accuracy by epoch');

/** Trains as the article does: batches of 100 in the order of the data, lr 0.1, nothing else. */
async function trainAndPlot(network: Cnn, name: string) {
  const run = fit(network, train, {
    epochs,
    batchSize: 100,
    loss: new CrossEntropyLoss(),
    optimizer: new SGD({ lr: 0.1 }),
    validation: test,
  });
  for await (const { epoch, cost, accuracy, seconds } of run) {
    const share = `${(accuracy * 100).toFixed(2)} %`;
    console.log(`epoch ${epoch}   cost ${cost.toFixed(2)}   accuracy ${share}   ${seconds.toFixed(1)} s`);
  }
  await picture(name, historySvg(run.history));
  return run.history.epochs.at(-1)!;
}

const large = await trainAndPlot(model, 'history.png');

heading('6. What it gets wrong');

const { predictions, probabilities } = await evaluate(model, test);
const mistakes = findMistakes(test.labels, predictions, probabilities);
console.log(`${mistakes.length} of ${test.length} images; the five that it was surest of:`);
for (const { index, predicted, truth, probability } of mistakes.slice(0, 5)) {
  const sure = `${(probability! * 100).toFixed(1)} %`;
  console.log(`image ${index}: taken for ${test.classes![predicted]} (${sure}), is ${test.classes![truth]}`);
}
await picture('misclassified.png', misclassifiedSvg(test, mistakes));

heading("7. The article's advice: smaller kernels");

manualSeed(0);
const small = new Cnn(3);
const last = await trainAndPlot(small, 'history-3x3.png');
console.log();
for (const [name, network, { accuracy, seconds }] of [
  ['5x5', model, large],
  ['3x3', small, last],
] as const) {
  const count = network.parameters().reduce((sum, { size }) => sum + size, 0);
  const share = `${(accuracy * 100).toFixed(2)} %`;
  console.log(`${name}   ${count} parameters   ${share} after ${epochs} epochs of ${seconds.toFixed(1)} s`);
}
