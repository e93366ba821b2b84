import { byId, create } from './dom.js';
import { whole } from './format.js';
import { recipeNamed, RECIPES } from './recipes.js';

/** What a training is asked for. */
export interface Settings {
  readonly recipe: string;
  /** `auto`: the best that the browser has. */
  readonly isa: string;
  /** 0: as many as the backend takes by itself. */
  readonly threads: number;
  /** Training images; 0: all. */
  readonly images: number;
  readonly lr: number;
  readonly batchSize: number;
  readonly epochs: number;
  readonly seed: number;
  /** Whether to go on with the weights that are there. */
  readonly keep: boolean;
}

const DEFAULTS: Readonly<Record<string, string>> = {
  recipe: RECIPES[0].name,
  isa: 'auto',
  threads: '0',
  images: '0',
  lr: '0.1',
  batchSize: '100',
  epochs: '6',
  seed: '0',
};

/** Instruction sets to choose from, as `loadBackend` names them. */
const ISAS: readonly (readonly [value: string, title: string])[] = [
  ['auto', 'Automatic'],
  ['relaxed-simd128', 'Relaxed SIMD'],
  ['simd128', 'SIMD'],
];

const IMAGES = [0, 30_000, 10_000, 2000];

/** The form; what the address says (?images=2000&epochs=1) comes before the defaults. */
export class SettingsForm {
  readonly form = byId('settings', HTMLFormElement);

  constructor(address: URLSearchParams) {
    const threads = Array.from({ length: navigator.hardwareConcurrency || 1 }, (_, i) => i + 1);
    this.#fill(
      'recipe',
      RECIPES.map(({ name, title }) => [name, title] as const),
    );
    this.#fill('isa', ISAS);
    this.#fill('threads', [['0', 'Automatic'], ...threads.map((n) => [String(n), String(n)] as const)]);
    this.#fill(
      'images',
      IMAGES.map((n) => [String(n), n === 0 ? 'All' : whole(n)] as const),
    );
    for (const [name, standard] of Object.entries(DEFAULTS)) this.#set(name, address.get(name) ?? standard);
    this.#control('recipe').addEventListener('change', () => this.#follow(this.#control('recipe').value));
  }

  /** Undefined where a field holds what cannot be: the browser says which. */
  read(): Settings | undefined {
    if (!this.form.reportValidity()) return undefined;
    const text = (name: string) => this.#control(name).value;
    return {
      recipe: text('recipe'),
      isa: text('isa'),
      threads: Number(text('threads')),
      images: Number(text('images')),
      lr: Number(text('lr')),
      batchSize: Number(text('batchSize')),
      epochs: Number(text('epochs')),
      seed: Number(text('seed')),
      keep: this.#keep.checked,
    };
  }

  /** The learning rate as it is in the form; undefined while it is no number that can be. */
  get lr(): number | undefined {
    const control = this.#control('lr');
    return control.checkValidity() ? Number(control.value) : undefined;
  }

  chooseRecipe(name: string): void {
    this.#set('recipe', name);
  }

  /** What a recipe says of the training comes into the form, where it can be changed. */
  #follow(name: string): void {
    const { epochs, batchSize, lr } = recipeNamed(name);
    for (const [field, value] of Object.entries({ epochs, batchSize, lr })) this.#set(field, String(value));
  }

  set keep(checked: boolean) {
    this.#keep.checked = checked;
  }

  get #keep(): HTMLInputElement {
    return this.#control('keep') as HTMLInputElement;
  }

  #control(name: string): HTMLInputElement | HTMLSelectElement {
    return this.form.elements.namedItem(name) as HTMLInputElement | HTMLSelectElement;
  }

  #fill(name: string, options: readonly (readonly [value: string, title: string])[]): void {
    this.#control(name).replaceChildren(
      ...options.map(([value, title]) => create('option', { value }, title)),
    );
  }

  /** A value that is not among those to choose from (?images=500) becomes one. */
  #set(name: string, value: string): void {
    const control = this.#control(name);
    if (control instanceof HTMLSelectElement && ![...control.options].some((one) => one.value === value)) {
      if (!/^\d+$/.test(value)) return;
      control.append(create('option', { value }, whole(Number(value))));
    }
    control.value = value;
  }
}
