import { byId, create } from './dom.js';
import { count } from './format.js';
import type { Session } from './session.js';
import { IMAGE_SHAPE } from './twill.js';

/** What runs, and why: from the backend's `info()`, the browser and the model. */
export class Facts {
  readonly #list = byId('facts', HTMLElement);
  readonly #chip = byId('engine', HTMLElement);

  /** `from`: where the data came from. */
  draw(session: Session, from: string): void {
    const { info, model, recipe, train, test } = session;
    if (!info) return;
    const threads = count(info.threads, 'thread');
    this.#chip.textContent = `WebAssembly, ${info.isa}, ${threads}`;
    const facts: [string, (string | Node)[]][] = [
      ['Backend', [info.backend === 'wasm' ? 'WebAssembly, in a worker of this page' : info.backend]],
      ['Instructions', [info.isa]],
      ['Threads', [`${info.threads}, of ${navigator.hardwareConcurrency} that the browser tells of`]],
      [
        'Not to be had',
        info.fallbacks.length > 0 ? [bullets(info.fallbacks)] : ['nothing: this is the best there is'],
      ],
      ['Isolation', [isolationText()]],
      [
        'Data',
        [
          `${count(train.length, 'picture')} to learn from, ${count(test.length, 'picture')} to test with; from ${from}`,
        ],
      ],
    ];
    if (model) {
      const weights = model.parameters().reduce((sum, { size }) => sum + size, 0);
      const table = create('pre', { tabindex: 0, 'aria-label': 'Layers' }, model.summary(IMAGE_SHAPE));
      const title = create('summary', {}, `${recipe.title}: ${count(weights, 'weight')}`);
      facts.push(['Network', [create('details', {}, title, table)]]);
    }
    const rows = facts.map(([term, what]) =>
      create('div', {}, create('dt', {}, term), create('dd', {}, ...what)),
    );
    this.#list.replaceChildren(...rows);
  }
}

function bullets(lines: readonly string[]): HTMLElement {
  return create('ul', {}, ...lines.map((line) => create('li', {}, line)));
}

function isolationText(): string {
  return crossOriginIsolated
    ? 'the page is cross-origin isolated, so that threads can share memory'
    : 'the page is not cross-origin isolated, so that threads cannot share memory: one computes; the headers ' +
        'Cross-Origin-Opener-Policy and Cross-Origin-Embedder-Policy would change that';
}
