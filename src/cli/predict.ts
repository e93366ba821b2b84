import { Command } from 'commander';
import { type Io, percent, say, styleFor } from './io.js';
import { loadModel, openBackend } from './load.js';
import {
  type BackendOptions,
  backendOption,
  jsonOption,
  modelOption,
  threadsOption,
  wholeNumber,
} from './options.js';
import type { PreparedImage } from './prepare.js';

interface PredictOptions extends BackendOptions {
  readonly model: string;
  readonly top: number;
  readonly invert?: boolean;
  readonly json?: boolean;
}

const EXAMPLES = `
Images may be of any size, grey or coloured, with or without transparency. The network knows light
clothes on black: an image with light corners is inverted, one that is not 28 x 28 is cut to what it
shows and scaled. What was done is said on stderr.

Examples:
  $ twill predict --model out/model.safetensors shoe.png
  $ twill predict --model out/model.safetensors --top 1 --json photos/
  $ twill predict --model out/model.safetensors - < shoe.jpg`;

/** `twill predict` */
export function predictCommand(io: Io): Command {
  return new Command('predict')
    .description('say what images show')
    .argument('<image...>', 'PNG or JPEG files, folders of them, or - for one on stdin')
    .addOption(modelOption())
    .option('--top <n>', 'classes to name for each image', wholeNumber(1, 10), 3)
    .option('--invert', 'invert every image')
    .option('--no-invert', 'invert none (default: those with a light background)')
    .addOption(jsonOption('write one JSON object a line to stdout, an image each'))
    .addOption(backendOption())
    .addOption(threadsOption())
    .addHelpText('after', EXAMPLES)
    .action((files: string[], options: PredictOptions) => predictFiles(files, options, io));
}

async function predictFiles(paths: readonly string[], options: PredictOptions, io: Io): Promise<void> {
  const { predict } = await import('../index.node.js');
  const { FASHION_MNIST_CLASSES } = await import('../data/index.node.js');
  const { IMAGE_SHAPE } = await import('../recipes/article.js');
  const [, height, width] = IMAGE_SHAPE;
  const model = await loadModel(options.model);
  const prepared = await readImages(paths, height, options.invert, io);
  const size = height * width;
  const images = new Uint8Array(prepared.length * size);
  prepared.forEach(({ name, pixels, steps }, i) => {
    images.set(pixels, i * size);
    if (steps.length > 0 && !options.json) say(io.stderr, `${name}: ${steps.join(', ')}`);
  });
  const backend = await openBackend(options);
  const { probabilities } = await predict(model, { images, shape: IMAGE_SHAPE }, { backend });
  const classes = FASHION_MNIST_CLASSES.length;
  prepared.forEach((image, i) => {
    const row = probabilities.subarray(i * classes, (i + 1) * classes);
    const ranked = rank(row, FASHION_MNIST_CLASSES).slice(0, options.top);
    if (options.json) say(io.stdout, JSON.stringify(asJson(ranked, image)));
    else for (const line of forPeople(image.name, ranked, io)) say(io.stdout, line);
  });
}

interface NamedImage extends PreparedImage {
  readonly name: string;
}

async function readImages(
  paths: readonly string[],
  size: number,
  invert: boolean | undefined,
  { stdin }: Io,
): Promise<NamedImage[]> {
  const { imageSources } = await import('./image-sources.js');
  const { decodeGrey } = await import('./image.js');
  const { prepareImage } = await import('./prepare.js');
  const images: NamedImage[] = [];
  for await (const { name, bytes } of imageSources(paths, stdin)) {
    images.push({ name, ...prepareImage(decodeGrey(bytes, name), size, invert) });
  }
  return images;
}

interface Ranked {
  readonly class: string;
  readonly index: number;
  readonly probability: number;
}

function rank(probabilities: Float32Array, names: readonly string[]): Ranked[] {
  return Array.from(probabilities, (probability, index) => ({
    class: names[index]!,
    index,
    probability,
  })).sort((a, b) => b.probability - a.probability);
}

function asJson(ranked: readonly Ranked[], { name, inverted, steps }: NamedImage): object {
  return { file: name, ...ranked[0], top: ranked, inverted, steps };
}

function forPeople(file: string, ranked: readonly Ranked[], io: Io): string[] {
  const style = styleFor(io.stdout, io.env);
  const wide = Math.max(...ranked.map((one) => one.class.length));
  return [
    style.bold(file),
    ...ranked.map((one, i) => {
      const line = `  ${one.class.padEnd(wide)}  ${percent(one.probability).padStart(8)}`;
      return i === 0 ? style.green(line) : line;
    }),
  ];
}
