import { type Findings, allTables, type Table } from '../../../dist/bench/index.js';
import type { BenchMessage } from './bench-worker.js';
import { byId, create, setText } from './dom.js';
import type { Session } from './session.js';
import type { ImageDataset } from './twill.js';

/** What it takes to make an `ImageDataset` on the other side. */
export type ImageDatasetParts = Pick<ImageDataset, 'images' | 'labels' | 'shape'>;

/** Images that the bench goes round. */
const IMAGES = 1000;

/** Measures this browser, in a worker of its own: a bench computes without letting go. */
export class BenchPanel {
  readonly #session: Session;
  readonly #button = byId('bench', HTMLButtonElement);
  readonly #note = byId('bench-note', HTMLElement);

  constructor(session: Session) {
    this.#session = session;
    this.#button.addEventListener('click', () => void this.#measure());
  }

  async #measure(): Promise<void> {
    const session = this.#session;
    const halted = (session.phase === 'training' || session.phase === 'examining') && !session.paused;
    if (halted) session.pause();
    this.#button.disabled = true;
    try {
      const findings = await measure(session.train, (progress) => setText(this.#note, progress));
      const tables = allTables(findings).map(tableElement);
      byId('bench-tables', HTMLElement).replaceChildren(...tables);
      setText(this.#note, 'Measured.');
    } catch (error) {
      setText(this.#note, `Not measured: ${(error as Error).message}`);
    } finally {
      this.#button.disabled = false;
      if (halted && session.paused) session.resume();
    }
  }
}

function measure(train: ImageDataset, onProgress: (what: string) => void): Promise<Findings> {
  const worker = new Worker(new URL('./bench-worker.js', import.meta.url), { type: 'module', name: 'bench' });
  const { images, labels, shape } = train.take(IMAGES);
  const parts: ImageDatasetParts = { images: images.slice(), labels: labels.slice(), shape };
  return new Promise<Findings>((resolve, reject) => {
    worker.addEventListener('message', ({ data }: MessageEvent<BenchMessage>) => {
      if ('progress' in data) onProgress(data.progress);
      else if ('findings' in data) resolve(data.findings);
      else reject(new Error(data.error));
    });
    worker.addEventListener('error', ({ message }) => {
      reject(new Error(message || 'the script of its worker cannot be loaded'));
    });
    worker.postMessage(parts);
  }).finally(() => worker.terminate());
}

function tableElement({ title, columns: allColumns, rows: allRows, notes }: Table): HTMLElement {
  // Other runners' columns are empty here.
  const used = allColumns.map((_, index) => index === 0 || allRows.some((row) => row[index]));
  const columns = allColumns.filter((_, index) => used[index]);
  const rows = allRows.map((row) => row.filter((_, index) => used[index]));
  const head = columns.map((column) => (column ? create('th', { scope: 'col' }, column) : create('td')));
  const body = rows.map(([name, ...cells]) => {
    return create(
      'tr',
      {},
      create('th', { scope: 'row' }, name!),
      ...cells.map((cell) => create('td', {}, cell)),
    );
  });
  const table = create(
    'table',
    { class: 'figures-table' },
    create('caption', {}, title),
    create('thead', {}, create('tr', {}, ...head)),
    create('tbody', {}, ...body),
  );
  const scroll = create('div', { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': title }, table);
  return create('div', {}, scroll, ...notes.map((note) => create('p', { class: 'hint' }, note)));
}
