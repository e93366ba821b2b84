import { byId, create, setText } from './dom.js';
import type { Exam } from './exam.js';
import { count, percent } from './format.js';
import { picture } from './picture.js';
import type { ImageDataset } from './twill.js';

/** Pictures that are shown at a time. */
const MOST = 24;

/** The images that it gets wrong, of a class and taken for a class where these are chosen. */
export class Gallery {
  readonly #test: ImageDataset;
  readonly #names: readonly string[];
  readonly #label = byId('filter-label', HTMLSelectElement);
  readonly #predicted = byId('filter-predicted', HTMLSelectElement);
  readonly #list = byId('gallery', HTMLUListElement);
  readonly #note = byId('mistakes-note', HTMLElement);
  #exam: Exam | undefined;
  /** What is shown, so that it is made anew only where it differs. */
  #shown = '';

  constructor(test: ImageDataset) {
    this.#test = test;
    this.#names = test.classes!;
    for (const select of [this.#label, this.#predicted]) {
      select.append(create('option', { value: '' }, 'anything'));
      select.append(...this.#names.map((name, value) => create('option', { value }, name)));
      select.addEventListener('change', () => this.#render());
    }
    byId('filter-clear', HTMLButtonElement).addEventListener('click', () =>
      this.filter(undefined, undefined),
    );
  }

  filter(label: number | undefined, predicted: number | undefined): void {
    this.#label.value = String(label ?? '');
    this.#predicted.value = String(predicted ?? '');
    this.#render();
  }

  draw(exam: Exam): void {
    this.#exam = exam;
    this.#render();
  }

  #render(): void {
    const exam = this.#exam;
    if (!exam || exam.seen === 0) return;
    const chosen = ({ value }: HTMLSelectElement) => (value === '' ? undefined : Number(value));
    const wrong = exam.mistakes({ label: chosen(this.#label), predicted: chosen(this.#predicted) });
    const some = wrong.slice(0, MOST);
    const more = some.length < wrong.length ? `, the ${MOST} that it was surest of` : '';
    setText(this.#note, `${count(wrong.length, 'picture')}${more}.`);
    const shown = some.map((image) => `${image}:${exam.predictions[image]}`).join();
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#list.replaceChildren(...some.map((image) => this.#item(image, exam)));
  }

  #item(image: number, exam: Exam): HTMLLIElement {
    const { image: pixels, label } = this.#test.get(image);
    const [is, taken] = [this.#names[label]!, this.#names[exam.predictions[image]!]!];
    return create(
      'li',
      {},
      picture(pixels, `Test picture ${image}`),
      create('span', { class: 'is' }, is),
      create('span', { class: 'taken' }, `${taken}, ${percent(exam.confidences[image]!, 0)}`),
    );
  }
}
