import type { Backend } from '../backend/backend.js';
import type { ImageDataset } from '../data/index.node.js';
import { FormatError, OptionError, ShapeError } from '../errors.js';
import type { Module } from '../index.node.js';
import type { Io } from './io.js';
import type { BackendOptions } from './options.js';
import { downloadDisplay } from './progress.js';

/** Fashion-MNIST and where it came from. */
export interface Data {
  readonly train: ImageDataset;
  readonly test: ImageDataset;
  readonly source: string;
}

/** Finds Fashion-MNIST, or downloads it while showing how far it is. */
export async function loadData(directory: string | undefined, io: Io): Promise<Data> {
  const { fashionMnist } = await import('../data/index.node.js');
  const progress = downloadDisplay(io);
  try {
    return await fashionMnist({ directory, onProgress: progress.update });
  } finally {
    progress.end();
  }
}

/** Loads the backend that was asked for; where the best cannot be had, the library says so on stderr. */
export async function openBackend({ backend, threads }: BackendOptions): Promise<Backend> {
  const { loadBackend } = await import('../index.node.js');
  return loadBackend({ backend, threads });
}

/**
 * Loads a network from its weights, that of the recipe which they fit; or from an ONNX file, whatever it is.
 * @throws FormatError naming the file where they fit none; DataError when it cannot be read
 */
export async function loadModel(file: string): Promise<Module> {
  if (/\.onnx$/i.test(file)) return importModel(file);
  const { RECIPES } = await import('../recipes/recipes.js');
  const misfits: unknown[] = [];
  for (const recipe of RECIPES) {
    const model = await recipe.model();
    try {
      await loadWeights(model, file);
      return model;
    } catch (error) {
      if (!(error instanceof FormatError && error.cause)) throw error;
      misfits.push(error);
    }
  }
  throw misfits[0];
}

/** @throws FormatError for a network that does not give one score a class for the images of Fashion-MNIST */
async function importModel(file: string): Promise<Module> {
  const { importOnnx } = await import('../onnx/index.js');
  const { IMAGE_SHAPE } = await import('../recipes/article.js');
  const { FASHION_MNIST_CLASSES } = await import('../data/index.node.js');
  const { currentPlatform } = await import('../platform.js');
  const model = importOnnx(await currentPlatform().files!.read(file), { name: file });
  const classes = FASHION_MNIST_CLASSES.length;
  try {
    const { shape } = model.trace(IMAGE_SHAPE).output;
    if (shape.join() === String(classes)) return model;
    throw new ShapeError(`the model gives ${shape.join('x')} and not ${classes} scores`);
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    const reason = error.message.replace(/^\[\w+\] /, '');
    throw new FormatError(`${file} is no network for these images: ${reason}`, { cause: error });
  }
}

/**
 * Loads weights into a model.
 * @throws FormatError naming the file when they are another model's; DataError when it cannot be read
 */
export async function loadWeights(model: Module, file: string): Promise<void> {
  const { load } = await import('../index.node.js');
  try {
    await load(model, file);
  } catch (error) {
    if (!(error instanceof OptionError || error instanceof ShapeError)) throw error;
    const reason = error.message.replace(/^\[\w+\] /, '');
    throw new FormatError(`${file} does not hold the weights of this network: ${reason}`, { cause: error });
  }
}
