interface View {
  readonly draw: () => void;
  /** Milliseconds between two drawings at least. */
  readonly every: number;
  wanted: boolean;
  /** When it may be drawn again. */
  due: number;
}

/**
 * Draws what has changed, however often it changes: each view so often at most, and one a frame, so that no frame has
 * much to do. A tab in the background has no frames, and draws when it is looked at again.
 */
export class Painter {
  readonly #views: View[] = [];
  #scheduled = false;

  /**
   * Takes on a view and returns what asks for it to be drawn.
   * @param every milliseconds between two drawings at least
   */
  view(draw: () => void, every: number): () => void {
    const view: View = { draw, every, wanted: false, due: 0 };
    this.#views.push(view);
    return () => {
      view.wanted = true;
      this.#schedule();
    };
  }

  #schedule(): void {
    const next = this.#next();
    if (this.#scheduled || !next) return;
    this.#scheduled = true;
    const wait = next.due - performance.now();
    const frame = () => requestAnimationFrame((now) => this.#frame(now));
    if (wait > 0) setTimeout(frame, wait);
    else frame();
  }

  #frame(now: number): void {
    this.#scheduled = false;
    const view = this.#next();
    if (view) {
      view.wanted = false;
      view.due = now + view.every;
      view.draw();
    }
    this.#schedule();
  }

  /** Of the views that are to be drawn, the one that has waited the longest. */
  #next(): View | undefined {
    return this.#views
      .filter(({ wanted }) => wanted)
      .reduce<View | undefined>((first, one) => (first && first.due <= one.due ? first : one), undefined);
  }
}
