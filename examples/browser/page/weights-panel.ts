import { byId, setText } from './dom.js';
import { messageOf, percent } from './format.js';
import type { Session } from './session.js';
import type { SettingsForm } from './settings.js';
import { save } from './twill.js';

/** Downloads the weights, and loads others. */
export class WeightsPanel {
  readonly #session: Session;
  readonly #settings: SettingsForm;
  readonly #note = byId('weights-note', HTMLElement);
  readonly #download = byId('download', HTMLButtonElement);

  constructor(session: Session, settings: SettingsForm) {
    this.#session = session;
    this.#settings = settings;
    this.#download.addEventListener('click', () => void this.#save());
    const input = byId('weights-file', HTMLInputElement);
    input.addEventListener('change', () => {
      const file = input.files?.[0];
      input.value = '';
      if (file) void this.#load(file);
    });
  }

  draw(): void {
    this.#download.disabled = !this.#session.model;
  }

  async #save(): Promise<void> {
    await this.#session.sync();
    const name = `${this.#session.recipe.name}.safetensors`;
    await save(this.#session.model!, name);
    setText(this.#note, `Downloaded ${name}. In Node: npx twill eval --model ${name}`);
  }

  async #load(file: File): Promise<void> {
    const settings = this.#settings.read();
    if (!settings) return;
    try {
      setText(this.#note, `Loading ${file.name}`);
      await this.#session.load(file, settings);
      this.#settings.chooseRecipe(this.#session.recipe.name);
      this.#settings.keep = true;
      const { exam } = this.#session;
      setText(this.#note, `${file.name}: ${percent(exam.accuracy, 2)} of the test pictures are right.`);
    } catch (error) {
      setText(this.#note, `Not loaded, nothing has changed. ${messageOf(error)}`);
    }
  }
}
