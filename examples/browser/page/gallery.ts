import { byId, create, setText } from './dom.js';
import type { Exam } from './exam.js';
import { count, percent } from './format.js';
import { drawPicture, picture } from './picture.js';
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
  readonly #slots: Slot[] = [];

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
    const items = some.map((image, place) => this.#slot(place, image, exam));
    if (items.length !== this.#list.children.length) this.#list.replaceChildren(...items);
  }

  /** A place in the gallery with this image in it; what is in it already is not drawn again. */
  #slot(place: number, image: number, exam: Exam): HTMLLIElement {
    const slot = (this.#slots[place] ??= new Slot());
    const { image: pixels, label } = this.#test.get(image);
    const taken = this.#names[exam.predictions[image]!]!;
    slot.show(image, pixels, this.#names[label]!, `${taken}, ${percent(exam.confidences[image]!, 0)}`);
    return slot.item;
  }
}

class Slot {
  readonly item: HTMLLIElement;
  readonly #canvas = picture([], '');
  readonly #is = create('span', { class: 'is' });
  readonly #taken = create('span', { class: 'taken' });
  #image = -1;

  constructor() {
    this.item = create('li', {}, this.#canvas, this.#is, this.#taken);
  }

  show(image: number, pixels: ArrayLike<number>, is: string, taken: string): void {
    setText(this.#is, is);
    setText(this.#taken, taken);
    if (image === this.#image) return;
    this.#image = image;
    drawPicture(this.#canvas, pixels);
    this.#canvas.ariaLabel = `Test picture ${image}`;
  }
}
