import { byId, setText } from './dom.js';
import { messageOf } from './format.js';

/** What went wrong, above everything else, and what to do about it. */
export class Trouble {
  readonly #box = byId('trouble', HTMLElement);
  readonly #help = byId('trouble-data', HTMLElement);

  /** `data`: it is the data set that is missing. */
  show(title: string, error: unknown, { data = false } = {}): void {
    setText(byId('trouble-title', HTMLElement), title);
    setText(byId('trouble-text', HTMLElement), messageOf(error));
    this.#help.hidden = !data;
    this.#box.hidden = false;
  }

  hide(): void {
    this.#box.hidden = true;
  }

  /** Calls back with the files that are chosen in the place of the missing ones. */
  onFiles(use: (files: readonly File[]) => void): void {
    const input = byId('data-files', HTMLInputElement);
    input.addEventListener('change', () => use([...(input.files ?? [])]));
  }
}
