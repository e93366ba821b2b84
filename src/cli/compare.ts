import { Command } from 'commander';
import type { Run, RunResult } from '../report/compare.js';
import { type Io, say, styleFor } from './io.js';
import { jsonOption, nonEmpty } from './options.js';

interface CompareOptions {
  readonly html?: string;
  readonly json?: boolean;
}

const EXAMPLES = `
It reads the history.json of each; settings that are the same in all are left out.

Examples:
  $ twill compare out runs/momentum
  $ twill compare runs/* --html runs.html     the same as a page, with curves`;

/** `twill compare` */
export function compareCommand(io: Io): Command {
  return new Command('compare')
    .description('lay trainings side by side')
    .argument('<dir...>', 'what `twill train --out` left')
    .option('--html <file>', 'write a page with the table and curves, too', nonEmpty)
    .addOption(jsonOption('write one JSON object a line to stdout, a run each'))
    .addHelpText('after', EXAMPLES)
    .action((directories: string[], options: CompareOptions) => compare(directories, options, io));
}

async function compare(directories: readonly string[], options: CompareOptions, io: Io): Promise<void> {
  const { readHistory } = await import('./runs.js');
  const { compareRuns, comparisonHtml, comparisonTable } = await import('../report/compare.js');
  const runs: Run[] = [];
  for (const name of directories) runs.push({ name, history: await readHistory(name) });
  if (options.html !== undefined) {
    const { writeFileAtomic } = await import('../io/file.node.js');
    await writeFileAtomic(options.html, comparisonHtml(runs));
    say(io.stderr, `wrote ${options.html}`);
  }
  const results = compareRuns(runs);
  if (options.json) {
    for (const result of results) say(io.stdout, JSON.stringify(result));
    return;
  }
  const { head, rows } = comparisonTable(results);
  const curves = sparklines(runs);
  const lines = aligned([
    ['', ...head, 'accuracy by epoch'],
    ...rows.map((row, at) => [mark(results, at), ...row, curves[at]!]),
  ]);
  const style = styleFor(io.stdout, io.env);
  say(io.stdout, style.dim(lines[0]!));
  lines.slice(1).forEach((line, at) => {
    say(io.stdout, mark(results, at) === '*' ? style.green(line) : line);
  });
}

/** A star for the most accurate. */
function mark(results: readonly RunResult[], at: number): string {
  const best = Math.max(...results.map(({ accuracy }) => accuracy).filter(Number.isFinite));
  return results[at]!.accuracy === best && results.length > 1 ? '*' : '';
}

const BLOCKS = '▁▂▃▄▅▆▇█';
const MOST_BLOCKS = 24;

/** Accuracy by epoch in blocks, on one scale for all runs; long runs by every so many epochs. */
function sparklines(runs: readonly Run[]): string[] {
  const curves = runs.map(({ history }) => history.epochs.map(({ accuracy }) => accuracy));
  const known = curves.flat().filter(Number.isFinite);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  return curves.map((curve) => {
    const step = Math.max(1, Math.ceil(curve.length / MOST_BLOCKS));
    return curve
      .filter((_, at) => (curve.length - 1 - at) % step === 0)
      .map((value) => {
        if (!Number.isFinite(value)) return ' ';
        return BLOCKS[Math.round(((value - low) / (high - low || 1)) * (BLOCKS.length - 1))];
      })
      .join('');
  });
}

/** Columns side by side; those of figures to the right. */
function aligned(rows: readonly string[][]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const isFigure = (column: number) => rows.slice(1).every((row) => /^[\d–-]/.test(row[column]!));
  const right = widths.map((_, column) => isFigure(column));
  return rows.map((row) =>
    row
      .map((cell, column) => (right[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd(),
  );
}
