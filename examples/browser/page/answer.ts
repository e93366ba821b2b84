import { byId, create, setText } from './dom.js';
import { percent } from './format.js';

/** Milliseconds after the last stroke before the answer is read out. */
const QUIET = 700;

/** The ten probabilities of the drawing. */
export class Answer {
  readonly #names: readonly string[];
  readonly #rows: { row: HTMLElement; bar: HTMLElement; value: HTMLElement }[];
  readonly #guess = byId('guess', HTMLElement);
  readonly #spoken = byId('guess-spoken', HTMLElement);
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(names: readonly string[]) {
    this.#names = names;
    this.#rows = names.map((name) => {
      const bar = create('span', { class: 'bar', 'aria-hidden': 'true' });
      const value = create('span', { class: 'value' }, '–');
      return { row: create('li', {}, create('span', { class: 'name' }, name), bar, value), bar, value };
    });
    byId('probabilities', HTMLOListElement).append(...this.#rows.map(({ row }) => row));
  }

  /** `asked`: somebody drew, and wants to hear it; otherwise the network has learnt something new about the same. */
  show(probabilities: Float32Array, asked: boolean): void {
    const best = probabilities.indexOf(Math.max(...probabilities));
    this.#rows.forEach(({ row, bar, value }, index) => {
      row.classList.toggle('best', index === best);
      bar.style.setProperty('--share', probabilities[index]!.toFixed(4));
      setText(value, percent(probabilities[index]!));
    });
    const text = `${this.#names[best]}, ${percent(probabilities[best]!, 0)}`;
    setText(this.#guess, text);
    if (!asked) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => setText(this.#spoken, text), QUIET);
  }
}
