import { curvesSvg, curveStyle, ratesSvg } from './curves.js';
import { costText, duration, percentage } from './format.js';
import type { History } from './history.js';
import { type Cell, figure, htmlPage, table } from './html.js';
import { escapeXml } from './svg.js';
import { COLOUR, themed } from './theme.js';

/** A run to compare with others. */
export interface Run {
  /** What to call it: its directory. */
  readonly name: string;
  /** What its `history.json` holds. */
  readonly history: History;
}

/** An epoch and what it came to. */
export interface BestEpoch {
  /** NaN where there is none. */
  readonly accuracy: number;
  /** From 1; 0 where there is none. */
  readonly epoch: number;
}

/** A comparison as texts. */
export interface ComparisonTable {
  /** Names of the columns. */
  readonly head: string[];
  /** A row a run. */
  readonly rows: string[][];
}

/** Drawings of a comparison, each a whole SVG document. */
export interface ComparisonDrawings {
  /** By epoch, a curve a run. */
  readonly accuracy: string;
  /** By epoch, a curve a run. */
  readonly cost: string;
  /** The same, where the rates change or differ. */
  readonly learningRate?: string;
}

/** What a run came to. */
export interface RunResult {
  /** What the run is called. */
  readonly name: string;
  /** Those that were finished. */
  readonly epochs: number;
  /** After the last epoch; NaN where none was finished. */
  readonly accuracy: number;
  /** The highest, and after which epoch. */
  readonly best: BestEpoch;
  /** Of the last epoch. */
  readonly cost: number;
  /** Mean over the validation images after the last epoch; undefined where the run does not tell. */
  readonly validationLoss?: number;
  /** Of training, in all. */
  readonly seconds: number;
  /** Backend, instruction set and threads. */
  readonly backend: string;
  /** Of its settings those that are not the same in all runs, as text. */
  readonly differs: Readonly<Record<string, string>>;
}

/** What runs came to, and in what they differ, in the order in which they are given. */
export function compareRuns(runs: readonly Run[]): RunResult[] {
  // The epochs that were asked for say no more than those that were finished.
  const names = [...new Set(runs.flatMap(({ history }) => Object.keys(history.run ?? {})))].filter(
    (name) => name !== 'epochs',
  );
  const textOf = ({ history }: Run, name: string) => String(history.run?.[name] ?? '–');
  const different = names.filter((name) => new Set(runs.map((run) => textOf(run, name))).size > 1);
  return runs.map((run) => {
    const { info, epochs } = run.history;
    const last = epochs.at(-1);
    const best = epochs.reduce(
      (most, { accuracy, epoch }) => (accuracy > most.accuracy ? { accuracy, epoch } : most),
      { accuracy: Number.NEGATIVE_INFINITY, epoch: 0 },
    );
    return {
      name: run.name,
      epochs: epochs.length,
      accuracy: last?.accuracy ?? Number.NaN,
      best: best.epoch === 0 ? { accuracy: Number.NaN, epoch: 0 } : best,
      cost: last?.cost ?? Number.NaN,
      ...(last?.validationLoss !== undefined && { validationLoss: last.validationLoss }),
      seconds: epochs.reduce((sum, { seconds }) => sum + seconds, 0),
      backend: `${info.backend}, ${info.isa}, ${info.threads} ${info.threads === 1 ? 'thread' : 'threads'}`,
      differs: Object.fromEntries(different.map((name) => [name, textOf(run, name)])),
    };
  });
}

/** Names of the columns of a comparison, and a row of texts a run. */
export function comparisonTable(results: readonly RunResult[]): ComparisonTable {
  const settings = Object.keys(results[0]?.differs ?? {});
  const backends = new Set(results.map(({ backend }) => backend)).size > 1;
  const losses = results.some(({ validationLoss }) => validationLoss !== undefined);
  const more = [...settings, ...(backends ? ['computed by'] : [])];
  const figures = ['accuracy', 'best', ...(losses ? ['test loss'] : []), 'cost', 'epochs', 'training'];
  const head = ['run', ...figures, ...more];
  const rows = results.map(({ name, accuracy, best, cost, epochs, seconds, differs, backend, ...rest }) => [
    name,
    percentage(accuracy),
    best.epoch === 0 ? '–' : `${percentage(best.accuracy)} (${best.epoch})`,
    ...(losses ? [costText(rest.validationLoss ?? Number.NaN)] : []),
    costText(cost),
    String(epochs),
    duration(seconds),
    ...settings.map((setting) => differs[setting]!),
    ...(backends ? [backend] : []),
  ]);
  return { head, rows };
}

/** Draws accuracy and cost of several runs by epoch, each a whole SVG document. */
export function comparisonDrawings(runs: readonly Run[]): ComparisonDrawings {
  const of = (key: 'accuracy' | 'cost') =>
    runs.map(({ name, history }) => ({
      name,
      points: history.epochs.map((record) => [record.epoch, record[key]] as const),
    }));
  const learningRate = ratesSvg(runs.map(({ name, history }) => ({ name, epochs: history.epochs })));
  return {
    ...(learningRate !== undefined && { learningRate }),
    accuracy: curvesSvg({
      title: 'Accuracy',
      limits: { lower: 0, upper: 1 },
      runs: of('accuracy'),
      label: (value, decimals) => percentage(value, Math.max(0, decimals - 2)),
    }),
    cost: curvesSvg({
      title: 'Cost (loss summed over batches)',
      limits: { lower: 0, upper: Number.POSITIVE_INFINITY },
      runs: of('cost'),
      label: (value, decimals) => value.toFixed(Math.min(6, decimals)),
    }),
  };
}

/** Runs side by side as one HTML page that needs nothing beside it: a table and curves. */
export function comparisonHtml(runs: readonly Run[]): string {
  const results = compareRuns(runs);
  const { head, rows } = comparisonTable(results);
  const best = Math.max(...results.map(({ accuracy }) => accuracy).filter(Number.isFinite));
  const cells = rows.map((row, at): Cell[] =>
    row.map((value, column): Cell => {
      if (column === 0) return { html: swatch(at) + escapeXml(value) };
      if (column === 1 && results[at]!.accuracy === best) return { html: value, class: 'best' };
      return value;
    }),
  );
  const { accuracy, cost, learningRate } = comparisonDrawings(runs);
  const title = `${runs.length} runs side by side`;
  return htmlPage(title, [
    `<header><h1>${title}</h1>`,
    '<p class="lead">Accuracy after the last epoch, and the best with its epoch. Settings that are the same in all runs are left out.</p></header>',
    `<main>${table(head, cells)}`,
    figure(themed(accuracy)),
    figure(themed(cost)),
    ...(learningRate === undefined ? [] : [figure(themed(learningRate))]),
    '</main>',
  ]);
}

/** The colour of a run's curves. */
function swatch(at: number): string {
  const { stroke } = curveStyle(at);
  const [name] = Object.entries(COLOUR).find(([, hex]) => hex === stroke)!;
  return `<span class="swatch" style="background:var(--${name})"></span>`;
}
