import { byId, create, setText } from './dom.js';
import type { Exam } from './exam.js';
import { percent } from './format.js';
import { picture } from './picture.js';
import type { ImageDataset } from './twill.js';

/** Pictures of each category that are shown. */
const SAMPLES = 4;

/** The ten categories: some pictures of each, and how many the network finds. */
export class Categories {
  readonly #found: { text: HTMLElement; bar: HTMLElement }[];

  constructor({ images, labels, classes, shape }: ImageDataset) {
    const size = shape[1] * shape[2];
    const items = classes!.map((name, label) => {
      const samples: HTMLCanvasElement[] = [];
      for (let i = 0; samples.length < SAMPLES && i < labels.length; i++) {
        if (labels[i] !== label) continue;
        samples.push(picture(images.subarray(i * size, (i + 1) * size), `Example of ${name}`));
      }
      const text = create('span', { class: 'found' }, 'found: –');
      const bar = create('span', { class: 'bar', 'aria-hidden': 'true' });
      const item = create('li', {}, create('h3', {}, name), create('div', {}, ...samples), text, bar);
      return { item, text, bar };
    });
    byId('category-list', HTMLUListElement).append(...items.map(({ item }) => item));
    this.#found = items;
  }

  draw(exam: Exam): void {
    this.#found.forEach(({ text, bar }, label) => {
      const { images, found } = exam.ofClass(label);
      const share = images === 0 ? Number.NaN : found / images;
      setText(text, `found: ${percent(share, 0)}`);
      bar.style.setProperty('--share', String(share || 0));
    });
  }
}
