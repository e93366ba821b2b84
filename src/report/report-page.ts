import { activationsSvg, type ImageActivations } from './activations.js';
import { confusionSvg } from './confusion.js';
import { type Filters, filtersSvg } from './filters.js';
import { ratesSvg } from './curves.js';
import { costText, duration, grouped, percentage, rateText } from './format.js';
import type { History } from './history.js';
import { historySvg } from './history-svg.js';
import {
  type Cell,
  contents,
  figure,
  htmlPage,
  keyFigures,
  type Section,
  sectionHtml,
  table,
} from './html.js';
import { findMistakes, misclassifiedSvg } from './misclassified.js';
import { type Scores, scoreClasses } from './scores.js';
import { escapeXml } from './svg.js';
import { themed } from './theme.js';
import { className, type Gallery } from './tile.js';

/** What a report is made of; parts that are left out are left out of the page. */
export interface Report {
  /** Heads the page: the run's name. */
  readonly title: string;
  /** What its `history.json` holds. */
  readonly history: History;
  /** The images that the network was tested on. */
  readonly gallery: Gallery;
  /** The class given to each of them. */
  readonly predictions: Int32Array;
  /** A row of one probability a class for each of them. */
  readonly probabilities: Float32Array;
  /** Number of parameters. */
  readonly parameters: number;
  /** `model.summary(shape)`. */
  readonly summary: string;
  /** The weights of its convolutions. */
  readonly filters?: readonly Filters[];
  /** How an image went through it. */
  readonly activations?: ImageActivations;
  /** More about where it was computed: `['CPU', 'AMD EPYC']`, ... */
  readonly machine?: readonly (readonly [name: string, value: string])[];
}

/** The drawings of a report, each a whole SVG document. */
export interface ReportDrawings {
  /** Cost and accuracy by epoch. */
  readonly history: string;
  /** Learning rate by epoch, where it changes. */
  readonly learningRate?: string;
  /** What was taken for what. */
  readonly confusion: string;
  /** The surest mistakes. */
  readonly misclassified: string;
  /** The convolutions' weights, where the report has them. */
  readonly filters?: string;
  /** An image on its way through the layers, where the report has one. */
  readonly activations?: string;
}

const scoresOf = ({ gallery, predictions }: Report, classes: number) =>
  scoreClasses(gallery.labels, predictions, classes);

const classesOf = ({ gallery, probabilities }: Report) =>
  Math.max(1, Math.round(probabilities.length / Math.max(1, gallery.labels.length)));

const namesOf = (report: Report) =>
  Array.from({ length: classesOf(report) }, (_, label) => className(report.gallery, label));

/** Draws what a report shows, for files of their own. */
export function reportDrawings(report: Report): ReportDrawings {
  const { history, gallery, predictions, probabilities, filters, activations } = report;
  const names = namesOf(report);
  const learningRate = ratesSvg([{ name: 'learning rate', epochs: history.epochs }]);
  return {
    history: historySvg(history),
    ...(learningRate !== undefined && { learningRate }),
    confusion: confusionSvg(scoresOf(report, names.length), names),
    misclassified: misclassifiedSvg(gallery, findMistakes(gallery.labels, predictions, probabilities)),
    ...(filters && { filters: filtersSvg(filters) }),
    ...(activations && { activations: activationsSvg(gallery, activations) }),
  };
}

/**
 * A report as one HTML page that needs nothing beside it: no script, no network; light or dark as the reader's system.
 * @param drawings what `reportDrawings` gave, where it is there already
 */
export function reportHtml(report: Report, drawings: ReportDrawings = reportDrawings(report)): string {
  const { title, history, gallery } = report;
  const names = namesOf(report);
  const scores = scoresOf(report, names.length);
  const { filters, activations, learningRate } = drawings;
  const curves = [drawings.history, ...(learningRate === undefined ? [] : [learningRate])];
  const sections: Section[] = [
    {
      id: 'curves',
      title: 'Curves',
      body: [...curves.map((one) => figure(themed(one))), ...epochTable(history)],
    },
    { id: 'confusion', title: 'Confusion', body: [figure(themed(drawings.confusion))] },
    { id: 'classes', title: 'Class by class', body: [CLASSES_NOTE, classTable(scores, names)] },
    { id: 'mistakes', title: 'Mistakes', body: [figure(themed(drawings.misclassified))] },
    ...(filters ? [{ id: 'filters', title: 'Filters', body: [figure(themed(filters))] }] : []),
    ...(activations ? [{ id: 'layers', title: 'Layers', body: [figure(themed(activations))] }] : []),
    { id: 'network', title: 'Network', body: [`<pre tabindex="0">${escapeXml(report.summary)}</pre>`] },
    { id: 'run', title: 'Run and machine', body: [runTable(report)] },
  ];
  const right = scores.classes.reduce((sum, { correct }) => sum + correct, 0);
  const images = gallery.labels.length;
  const seconds = history.epochs.reduce((sum, epoch) => sum + epoch.seconds, 0);
  const lead = `${grouped(right)} of ${grouped(images)} test images were recognised.`;
  return htmlPage(title, [
    '<header>',
    `<h1>${escapeXml(title)}</h1>`,
    `<p class="lead">${escapeXml(lead)}</p>`,
    contents(sections),
    '</header>',
    '<main>',
    keyFigures([
      ['accuracy', percentage(right / images)],
      ['macro F1', percentage(mean(scores.classes.map(({ f1 }) => f1)))],
      ['last cost', costText(history.epochs.at(-1)?.cost ?? Number.NaN)],
      ['parameters', grouped(report.parameters)],
      ['training', duration(seconds)],
    ]),
    ...sections.map(sectionHtml),
    '</main>',
  ]);
}

function mean(values: readonly number[]): number {
  const known = values.filter(Number.isFinite);
  return known.reduce((sum, value) => sum + value, 0) / known.length;
}

const CLASSES_NOTE =
  '<p class="lead">Recall: of the images of a class, those that were found. Precision: of the images that were taken for it, those that are. F1: the harmonic mean of both.</p>';

function classTable({ classes }: Scores, names: readonly string[]): string {
  const rows = classes.map((score, label): Cell[] => [
    names[label]!,
    grouped(score.images),
    grouped(score.correct),
    percentage(score.recall, 1),
    percentage(score.precision, 1),
    { html: `${percentage(score.f1, 1)}<span class="bar"><i style="width:${width(score.f1)}%"></i></span>` },
    { html: escapeXml(names[score.confusedWith] ?? '–'), class: 'text' },
  ]);
  return table(['class', 'images', 'found', 'recall', 'precision', 'F1', 'mostly taken for'], rows);
}

const width = (fraction: number) => (Number.isFinite(fraction) ? (fraction * 100).toFixed(1) : '0');

function epochTable({ epochs }: History): string[] {
  if (epochs.length === 0) return [];
  const best = Math.max(...epochs.map(({ accuracy }) => accuracy).filter(Number.isFinite));
  const rates = epochs.some(({ lr }) => lr !== undefined);
  const rows = epochs.map(({ epoch, cost, accuracy, seconds, evalSeconds, lr = Number.NaN }): Cell[] => [
    String(epoch),
    costText(cost),
    accuracy === best ? { html: percentage(accuracy), class: 'best' } : percentage(accuracy),
    duration(seconds),
    duration(evalSeconds),
    ...(rates ? [rateText(lr)] : []),
  ]);
  const head = ['epoch', 'cost', 'accuracy', 'training', 'test', ...(rates ? ['learning rate'] : [])];
  return [table(head, rows)];
}

function runTable({ history, machine = [] }: Report): string {
  const { info, epochs, run = {} } = history;
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const rows: (readonly [string, string])[] = [
    ...Object.entries(run).map(([name, value]) => [name, String(value)] as const),
    ['epochs finished', String(epochs.length)],
    ['training', duration(sum(epochs.map(({ seconds }) => seconds)))],
    ['test', duration(sum(epochs.map(({ evalSeconds }) => evalSeconds)))],
    ['backend', info.backend],
    ['instruction set', info.isa],
    ['threads', String(info.threads)],
    ...info.fallbacks.map((reason) => ['fallback', reason] as const),
    ...machine,
  ];
  const cells = rows.map(([name, value]): Cell[] => [name, { html: escapeXml(value), class: 'text' }]);
  return table(['what', 'value'], cells);
}
