import type { Backend } from '../backend/backend.js';
import type { ImageDataset } from '../data/index.node.js';
import { evaluate, type Module, save } from '../index.node.js';
import {
  categoriesSvg,
  type EpochRecord,
  findMistakes,
  formatHistory,
  historySvg,
  misclassifiedSvg,
  type RunSettings,
  svgToPng,
} from '../report/index.node.js';
import type { OutputDirectory } from './output-directory.js';

/** What a run leaves behind. */
export interface Results {
  readonly model: Module;
  readonly records: readonly EpochRecord[];
  readonly backend: Backend;
  readonly train: ImageDataset;
  readonly test: ImageDataset;
  /** What the training was told. */
  readonly settings: RunSettings;
}

/** Writes weights, history, plots and pictures, each file whole or not at all; what is dearest first. */
export async function writeResults(out: OutputDirectory, results: Results): Promise<void> {
  const { model, records, backend, train, test, settings } = results;
  await save(model, out.file('model.safetensors'));
  out.written.push('model.safetensors');
  const history = { info: backend.info(), run: settings, epochs: records };
  await out.write('history.json', formatHistory(history));
  const plot = historySvg(history);
  await out.write('history.svg', plot);
  await out.write('history.png', await svgToPng(plot));
  await out.write('categories.png', await svgToPng(categoriesSvg(train, { title: 'Fashion-MNIST' })));
  const { predictions, probabilities } = await evaluate(model, test, { backend });
  const mistakes = findMistakes(test.labels, predictions, probabilities);
  await out.write('misclassified.png', await svgToPng(misclassifiedSvg(test, mistakes)));
}
