import { BATCH } from './article.js';
import { type Figure, type Findings, grouped, isSound, ofPeak, rate } from './figures.js';
import { HOPELESS, quantile, TOLERANCE } from './measure.js';

/** Figures as rows of text, for a terminal, a page or Markdown alike. The first column is a name, the others numbers. */
export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly notes: readonly string[];
}

/** What most readers want to know: limits, step, training, inference, and how the layers do on the whole. */
export function summaryTables({ figures }: Findings): Table[] {
  return present([
    limits(figures),
    races(figures, 'step', 'A training step'),
    networks(figures),
    trainings(figures),
    races(figures, 'inference', 'Inference'),
    layerSummary(figures),
  ]);
}

/** All that was measured. */
export function allTables(findings: Findings): Table[] {
  const { figures } = findings;
  return present([
    ...summaryTables(findings),
    ...callTables(figures),
    ...layerTables(figures),
    ...trafficTables(figures),
    absences(findings),
  ]);
}

function present(tables: readonly Table[]): Table[] {
  return tables.filter(({ rows }) => rows.length > 0);
}

/** A text with a mark where the rounds disagree or are few; no figure where they disagree too much to say one. */
function marked(figure: Figure, text: string): string {
  if (!isSound(figure)) return '?';
  const { spread = Number.POSITIVE_INFINITY } = figure.timing;
  return spread > TOLERANCE ? `~${text}` : text;
}

const MARKS = [
  `~: the rounds of this figure disagree by more than ${100 * TOLERANCE} %, or there were fewer than three.`,
  `?: they disagree by more than ${100 * HOPELESS} %; nothing can be said.`,
];

/** How many times one figure's time is another's; NaN where one of them is not there or says nothing. */
function ratioOf(figure: Figure, other: Figure | undefined): number {
  return other && isSound(figure) && isSound(other)
    ? figure.timing.seconds / other.timing.seconds
    : Number.NaN;
}

function withMarks(rows: readonly (readonly string[])[], notes: readonly string[] = []): string[] {
  const cells = rows.flat();
  const [unsure, hopeless] = MARKS;
  return [
    ...notes,
    ...(cells.some((cell) => cell.startsWith('~')) ? [unsure!] : []),
    ...(cells.includes('?') ? [hopeless!] : []),
  ];
}

function table(title: string, columns: string[], rows: string[][], notes: string[] = []): Table {
  return { title, columns, rows, notes: withMarks(rows, notes) };
}

const who = ({ runner, threads }: Figure) => `${runner}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
const giga = (perSecond: number) => (perSecond / 1e9).toFixed(1);
const thousands = (value: number) => Math.round(value).toLocaleString('en-US');
const percent = (fraction: number) => (Number.isFinite(fraction) ? `${(100 * fraction).toFixed(0)} %` : '');
const times = (ratio: number) => (Number.isFinite(ratio) ? `${ratio.toFixed(2)}x` : '');

/** Three significant digits, as milliseconds. */
export function milliseconds(seconds: number): string {
  const ms = 1000 * seconds;
  return ms.toFixed(Math.max(0, Math.min(4, 2 - Math.floor(Math.log10(ms)))));
}

function limits(figures: readonly Figure[]): Table {
  const groups = grouped(figures, 'peak', who);
  const things = [...grouped(figures, 'peak', ({ what }) => what).keys()];
  const rows = [...groups].map(([name, all]) => [
    name,
    ...things.map((what) => {
      const figure = all.find((one) => one.what === what);
      return figure ? marked(figure, giga((figure.flops ?? figure.bytes ?? 0) / figure.timing.seconds)) : '';
    }),
  ]);
  const units = things.map((what) => (what.startsWith('copy') ? `${what} GB/s` : `${what} GFLOP/s`));
  return table("The machine's limits", ['', ...units], rows);
}

/** Who is how fast at one and the same task. */
function races(figures: readonly Figure[], section: 'step' | 'inference', title: string): Table {
  const rows: string[][] = [];
  for (const group of grouped(figures, section, ({ what }) => what).values()) {
    for (const figure of group) {
      const { timing, images = 1, peak, flops } = figure;
      const twill = group.find(
        (one) => one.runner.startsWith('Twill native') && one.threads === figure.threads,
      );
      rows.push([
        `${who(figure)}, ${figure.what}`,
        marked(figure, milliseconds(timing.seconds)),
        marked(figure, thousands(images / timing.seconds)),
        peak && flops && isSound(figure) ? times((timing.seconds * peak) / flops) : '',
        times(ratioOf(figure, twill)),
      ]);
    }
  }
  const columns = ['', 'ms', 'images/s', 'time / dense limit', 'time / Twill native'];
  return table(title, columns, rows, [
    'Dense limit: the time that all nominal arithmetic would take at the FMA peak of the same threads, measured in the same rounds.',
  ]);
}

/** A line a network, a column a runner. */
function networks(figures: readonly Figure[]): Table {
  const names = [...grouped(figures, 'networks', who).keys()];
  const rows = [...grouped(figures, 'networks', ({ what }) => what)].map(([network, group]) => {
    const twill = group.find(({ runner }) => runner.startsWith('Twill native'));
    const cells = names.map((name) => {
      const figure = group.find((one) => who(one) === name);
      if (!figure) return '';
      const ratio = figure === twill ? '' : times(ratioOf(figure, twill));
      return marked(figure, `${milliseconds(figure.timing.seconds)}${ratio && ` (${ratio})`}`);
    });
    return [network, twill && isSound(twill) ? percent(ofPeak(twill)) : '', ...cells];
  });
  const columns = ['', 'of peak', ...names.map((name) => `${name}, ms`)];
  return table(`A training step of other networks, batch ${BATCH}`, columns, rows, [
    'Of peak: the nominal arithmetic of convolutions and linear layers, by Twill natively, as a fraction of the FMA peak of as many threads.',
    "In brackets: how many times Twill's native time.",
  ]);
}

function trainings(figures: readonly Figure[]): Table {
  const groups = grouped(figures, 'training', who);
  const rows = [...groups].map(([name, [epoch, whole]]) => [
    `${name}, ${whole!.what}`,
    marked(epoch!, epoch!.timing.seconds.toFixed(2)),
    whole!.timing.seconds.toFixed(2),
    percent2(whole!.accuracy!),
  ]);
  return table('Training', ['', 'an epoch, s', 'all, s', 'accuracy'], rows);
}

const percent2 = (fraction: number) => `${(100 * fraction).toFixed(2)} %`;

/** The calls of a step, by themselves. */
function callTables(figures: readonly Figure[]): Table[] {
  return [...grouped(figures, 'calls', who)].map(([name, [step, ...calls]]) => {
    const sum = calls.reduce((total, { timing }) => total + timing.seconds, 0);
    const row = (label: string, figure: Figure, share: string) => [
      label,
      marked(figure, milliseconds(figure.timing.seconds)),
      share,
      figure.flops && isSound(figure) ? giga(rate(figure)) : '',
      figure.flops && isSound(figure) ? percent(ofPeak(figure)) : '',
    ];
    const rows = calls.map((call) => row(call.what, call, percent(call.timing.seconds / sum)));
    rows.push(['all calls', milliseconds(sum), '', '', ''], row('whole step', step!, ''));
    return table(`A step's calls by themselves: ${name}`, ['', 'ms', 'share', 'GFLOP/s', 'of peak'], rows, [
      'GFLOP/s are nominal: zeros that a kernel leaves out count. A step walks its images in tiles, so that what one call leaves in the cache serves the next; by themselves the calls have to fetch it.',
    ]);
  });
}

const PASSES = ['forward', 'input gradient', 'weight gradient'];

/** A layer by everybody, one table for each way that Twill computes it. */
function layerTables(figures: readonly Figure[]): Table[] {
  const twill = figures.filter(({ runner }) => runner.startsWith('Twill'));
  return [...grouped(twill, 'sweep', who)].map(([name, own]) => {
    const reference = referenceOf(figures, own[0]!);
    const layers = grouped(own, 'sweep', ({ what }) => what);
    const fused = own.some(({ pass }) => pass?.startsWith('fused'));
    const rows = [...layers].map(([what, all]) => [
      what,
      ...PASSES.flatMap((pass) => cells(all, pass, reference)),
      ...(fused ? PASSES.flatMap((pass) => cells(all, `fused ${pass}`, undefined)) : []),
    ]);
    const columns = PASSES.flatMap((pass) => (reference ? [pass, `/ ${reference.name}`] : [pass]));
    const fusedColumns = fused ? PASSES.map((pass) => `fused ${pass}`) : [];
    return table(`Layers: ${name}`, ['', ...columns, ...fusedColumns], rows, [
      `Nominal arithmetic as a fraction of the FMA peak; fused: with ReLU and max-pool, where zeros are left out.`,
      ...(reference ? [`/ ${reference.name}: its time over Twill's, so above 1 Twill is the faster.`] : []),
    ]);
  });
}

/** Layers that mostly move data, beside a copy. */
function trafficTables(figures: readonly Figure[]): Table[] {
  const gigabytes = ({ bytes = 0, timing }: Figure) => bytes / timing.seconds / 1e9;
  return [...grouped(figures, 'traffic', who)].map(([name, all]) => {
    const copy = all.find(({ pass }) => pass === undefined)!;
    const rows = all.map((figure) => [
      [figure.what, figure.pass].filter(Boolean).join(': '),
      marked(figure, (1e6 * figure.timing.seconds).toFixed(1)),
      marked(figure, gigabytes(figure).toFixed(1)),
      isSound(figure) && isSound(copy) ? percent(gigabytes(figure) / gigabytes(copy)) : '',
    ]);
    return table(`Layers that mostly move data: ${name}`, ['', 'us', 'GB/s', 'of a copy'], rows, [
      'GB/s of all that a kernel is given to read and to write, each counted once, in a level-2 cache.',
    ]);
  });
}

interface Reference {
  readonly name: string;
  find(figure: Figure): Figure | undefined;
}

/** What a way of computing the sweep is held against: oneDNN on as many threads; WebAssembly against native. */
function referenceOf(figures: readonly Figure[], { runner, threads }: Figure): Reference | undefined {
  const name = runner.startsWith('Twill native') ? 'oneDNN' : 'Twill native';
  const all = figures.filter(
    (one) => one.section === 'sweep' && one.threads === threads && one.runner.startsWith(name),
  );
  if (all.length === 0) return undefined;
  const find = ({ what, pass }: Figure) => all.find((one) => one.what === what && one.pass === pass);
  return { name: name.replace('Twill ', ''), find };
}

function cells(figures: readonly Figure[], pass: string, reference: Reference | undefined): string[] {
  const figure = figures.find((one) => one.pass === pass);
  const blank = reference ? ['', ''] : [''];
  if (!figure) return blank;
  const share = marked(figure, percent(ofPeak(figure)));
  return reference ? [share, times(1 / ratioOf(figure, reference.find(figure)))] : [share];
}

/** The sweep in a few numbers: how near to the peak, and against the reference in the middle and at worst. */
function layerSummary(figures: readonly Figure[]): Table {
  const twill = figures.filter(({ runner }) => runner.startsWith('Twill'));
  const rows = [...grouped(twill, 'sweep', who)].flatMap(([name, own]) => {
    const reference = referenceOf(figures, own[0]!);
    return PASSES.flatMap((pass) => {
      const all = own.filter((figure) => figure.pass === pass && isSound(figure));
      if (all.length === 0) return [];
      const ratios = all.flatMap((figure) => {
        const ratio = 1 / ratioOf(figure, reference?.find(figure));
        return Number.isNaN(ratio) ? [] : [{ what: figure.what, ratio }];
      });
      const worst = ratios.sort((a, b) => a.ratio - b.ratio)[0];
      return [
        [
          `${name}: ${pass}`,
          percent(quantile(all.map(ofPeak), 0.5)),
          worst ? reference!.name : '',
          worst
            ? times(
                quantile(
                  ratios.map(({ ratio }) => ratio),
                  0.5,
                ),
              )
            : '',
          worst ? `${times(worst.ratio)} (${worst.what})` : '',
        ],
      ];
    });
  });
  const columns = ['', 'of peak, median', 'against', 'its time / ours, median', 'worst'];
  return table('The layers of the sweep on the whole', columns, rows);
}

function absences({ absences: all }: Findings): Table {
  const rows = all.map(({ runner, what = 'all', why }) => [runner, what, why]);
  return table('Not measured', ['', 'what', 'why'], rows);
}

/** For a terminal. */
export function renderText(tables: readonly Table[]): string {
  return tables
    .map((one) => `${[one.title, ...aligned([one.columns, ...one.rows]), ...one.notes].join('\n')}\n`)
    .join('\n');
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd(),
  );
  return [lines[0]!, widths.map((width) => '-'.repeat(width)).join('  '), ...lines.slice(1)];
}

export function renderMarkdown(tables: readonly Table[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return tables
    .map(({ title, columns, rows, notes }) => {
      const rule = `|${columns.map((_, column) => (column === 0 ? '---' : '--:')).join('|')}|`;
      const remarks = notes.map((note) => `- ${note}`);
      return [`### ${title}`, '', line(columns), rule, ...rows.map(line), '', ...remarks, ''].join('\n');
    })
    .join('\n');
}
