import { byId, create, setText } from './dom.js';
import type { Exam } from './exam.js';
import { count, percent, whole } from './format.js';

/** Which keys move where: rows, columns. */
const MOVES: Readonly<Record<string, readonly [number, number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

/** The confusion matrix: a table whose cells choose what the gallery shows. One stop of the Tab key, arrows within. */
export class ConfusionMatrix {
  readonly #names: readonly string[];
  readonly #cells: HTMLButtonElement[][] = [];
  readonly #shares: HTMLElement[] = [];
  readonly #note = byId('confusion-note', HTMLElement);

  /** `choose` is called with a cell's categories; on the diagonal with the true one alone. */
  constructor(names: readonly string[], choose: (label: number, predicted: number | undefined) => void) {
    this.#names = names;
    const table = byId('matrix', HTMLTableElement);
    const heads = names.map((name) => create('th', { scope: 'col' }, create('span', {}, name)));
    const corner = create('td', { class: 'corner' }, 'is ↓ taken for →');
    const found = create('th', { scope: 'col', class: 'share' }, create('span', {}, 'found'));
    table.append(create('thead', {}, create('tr', {}, corner, ...heads, found)));
    const body = create('tbody');
    names.forEach((name, label) => {
      const cells = names.map((_, predicted) => {
        const cell = create('button', { type: 'button', tabindex: label + predicted === 0 ? 0 : -1 });
        cell.addEventListener('click', () => choose(label, predicted === label ? undefined : predicted));
        cell.addEventListener('keydown', (event) => this.#move(event, label, predicted));
        cell.addEventListener('focus', () => this.#makeStop(cell));
        return cell;
      });
      this.#cells.push(cells);
      const share = create('td', { class: 'share' });
      this.#shares.push(share);
      body.append(
        create(
          'tr',
          {},
          create('th', { scope: 'row' }, name),
          ...cells.map((cell, predicted) =>
            create('td', { class: predicted === label ? 'right' : 'wrong' }, cell),
          ),
          share,
        ),
      );
    });
    table.append(body);
  }

  draw(exam: Exam): void {
    this.#cells.forEach((row, label) => {
      const { images, found } = exam.ofClass(label);
      row.forEach((cell, predicted) => {
        const number = exam.confusion[label * exam.classes + predicted]!;
        const text = number === 0 ? '' : String(number);
        if (cell.textContent === text && cell.ariaLabel !== null) return;
        cell.textContent = text;
        cell.ariaLabel =
          label === predicted
            ? `${this.#names[label]}, right: ${number}`
            : `${this.#names[label]} taken for ${this.#names[predicted]}: ${number}`;
        const share = images === 0 ? 0 : number / images;
        // A few mistakes of a hundred are to be seen, too.
        cell.style.setProperty('--share', Math.sqrt(share).toFixed(3));
        cell.classList.toggle('strong', share > 0.3);
      });
      setText(this.#shares[label]!, images === 0 ? '' : percent(found / images, 0));
    });
    if (exam.seen === 0) return;
    setText(
      this.#note,
      `${count(exam.seen, 'test picture')} of ${whole(exam.size)}, as each was last classified; ` +
        `${percent(exam.accuracy)} are right, on the diagonal.`,
    );
  }

  #move(event: KeyboardEvent, label: number, predicted: number): void {
    const move = MOVES[event.key];
    const target = move && this.#cells[label + move[0]]?.[predicted + move[1]];
    if (!target) return;
    event.preventDefault();
    target.focus();
  }

  #makeStop(stop: HTMLButtonElement): void {
    for (const row of this.#cells) for (const cell of row) cell.tabIndex = cell === stop ? 0 : -1;
  }
}
